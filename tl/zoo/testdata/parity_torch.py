"""Write parity_torch.json: what torchvision's networks, and the EfficientNet-Lite package's, compute with seeded weights.

    python3 parity_torch.py --lite DIR

--lite  a folder with efficientnet_lite_pytorch 0.1.0, unpacked

Needs Debian's python3-torch (1.13) and python3-torchvision (0.14). seeded.py says how weights and pixels are made. torchvision's networks see
small images where they can: their sizes are in the file.
"""
import argparse
import hashlib
import json
import os
import sys

import numpy as np
import torch
import torchvision

import seeded

HERE = os.path.dirname(os.path.abspath(__file__))
MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]) * 255, np.float32([0.229, 0.224, 0.225]) * 255


def fill(net):
    state = net.state_dict()
    for name, t in state.items():
        shape = tuple(t.shape)
        if name.endswith("num_batches_tracked"):
            continue
        kind = {"running_mean": "mean", "running_var": "variance", "bias": "bias"}.get(name.rsplit(".", 1)[1])
        if kind == "bias" and name[: -len("bias")] + "running_mean" in state:
            kind = "offset"
        if kind is None:
            kind = "kernel" if len(shape) > 1 else "scale"
        state[name] = torch.from_numpy(seeded.tensor(name, shape, kind, int(np.prod(shape[1:]))))
    net.load_state_dict(state)
    return net


def compute(net, size, blocks, features, mean=MEAN, deviation=DEVIATION, images=2, training=False):
    """blocks maps our block to the modules that it is made of; the last of them is where its output is seen."""
    net = fill(net).train(training)
    x = (seeded.pixels(images, size).astype(np.float32) - mean) / deviation
    found = {}
    hooks = [m[-1].register_forward_hook(lambda _, __, y, name=name: found.__setitem__(name, y)) for name, m in blocks.items()]
    representation = features(net, torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    for hook in hooks:
        hook.remove()
    loss = (representation * torch.from_numpy(seeded.wave(representation.shape))).sum()
    net.zero_grad()
    loss.backward()
    gradients = {name: sum((p.grad.double() ** 2).sum().item() for m in modules for p in m.parameters()) for name, modules in blocks.items()}
    outputs = [(name, found[name].detach().numpy()) for name in blocks]
    outputs[-1] = (outputs[-1][0], representation.detach().numpy())  # our last block ends in the mean
    return seeded.golden(size, outputs, representation.detach().numpy(), gradients)


def pooled(net, x):
    return net(x).mean((2, 3))


def resnet(name, size, training=False):
    net = getattr(torchvision.models, name)(weights=None)
    net.fc = torch.nn.Identity()
    blocks = {"stem": [net.conv1, net.bn1, net.maxpool]}
    for stage in range(1, 5):
        for i, block in enumerate(getattr(net, f"layer{stage}")):
            blocks[f"layer{stage}.{i}"] = [block]
    return compute(net, size, blocks, lambda net, x: net(x), training=training)


def vgg(size):
    net = torchvision.models.vgg16(weights=None)
    ends, first, blocks = [5, 10, 17, 24, 31], 0, {}
    for i, end in enumerate(ends):
        blocks[f"block{i + 1}"] = list(net.features[first:end])
        first = end
    return compute(net, size, blocks, lambda net, x: net.features(x).mean((2, 3)))


def mobilenet(size):
    net = torchvision.models.mobilenet_v2(weights=None)
    blocks = {"stem": [net.features[0]]}
    for i in range(1, 18):
        blocks[f"mbconv{i}"] = [net.features[i]]
    blocks["features"] = [net.features[18]]
    return compute(net, size, blocks, lambda net, x: net.features(x).mean((2, 3)))


def lite(number, size):
    from efficientnet_lite_pytorch import EfficientNet
    net = EfficientNet.from_name(f"efficientnet-lite{number}")
    blocks = {"stem": [net._conv_stem, net._bn0]}
    for i, block in enumerate(net._blocks):
        blocks[f"mbconv{i + 1}"] = [block]
    blocks["top"] = [net._conv_head, net._bn1]
    found = compute(net, size, blocks, lambda net, x: net.extract_features(x).mean((2, 3)), mean=np.float32(127), deviation=np.float32(128), images=1)
    del found["blocks"][0]  # its relu6 stands outside of any module
    return found


def names(net):
    """A hash over the names and shapes of all weights, sorted."""
    lines = sorted(f"{name} {tuple(t.shape)}" for name, t in net.state_dict().items() if not name.endswith("num_batches_tracked"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lite", required=True)
    sys.path.insert(0, p.parse_args().lite)
    torch.manual_seed(0)
    goldens = {"resnet18": resnet("resnet18", 64), "resnet18, batch statistics": resnet("resnet18", 64, training=True),
               "resnet50": resnet("resnet50", 64), "vgg16_notop": vgg(64), "mobilenet_v2": mobilenet(64),
               "efficientnet_lite1": lite(1, 240), "efficientnet_lite2": lite(2, 260)}
    variables = {name: names(getattr(torchvision.models, name)(weights=None)) for name in ("resnet18", "resnet50", "vgg16", "mobilenet_v2")}
    with open(os.path.join(HERE, "parity_torch.json"), "w") as out:
        json.dump({"torch": torch.__version__, "torchvision": torchvision.__version__, "networks": goldens, "names": variables}, out, indent=1)
        out.write("\n")
    for name, g in goldens.items():
        print(name, g["representation"], [round(b[2], 3) for b in g["blocks"]])


main()
