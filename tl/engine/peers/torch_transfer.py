"""PyTorch's usual two-phase transfer learning on the ELPV solar cells (see recipe.py), timed step by step.

    python3 torch_transfer.py --elpv DIR --weights FILE.pth [--pkg DIR]

Needs Debian's python3-torch 1.13 and python3-pil, and the PyPI package efficientnet-lite-pytorch 0.1.0, installed or unpacked
in --pkg DIR. Prints one JSON object.
"""
import recipe
import sys

import torch
from torch.nn.functional import cross_entropy


def build(weights, package):
    """The network with its ImageNet weights and a new head for two classes, in the memory layout that is fastest on CPUs."""
    if package:
        sys.path.insert(0, package)
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
    net._fc = torch.nn.Linear(net._fc.in_features, 2)
    net.requires_grad_(False)
    net._fc.requires_grad_(True)
    net.eval()  # for good: batch norm in inference mode
    return net.to(memory_format=torch.channels_last)


def fit(net, images, labels, rows, batch, epochs, optimizer):
    for _ in range(epochs):
        for i in rows[torch.randperm(len(rows))].split(batch):
            optimizer.zero_grad()
            cross_entropy(net(images[i]), labels[i]).backward()
            optimizer.step()


@torch.no_grad()
def right(net, images, labels, rows, batch):
    return torch.cat([net(images[i]).argmax(1) == labels[i] for i in rows.split(batch)]).numpy()


def main():
    p = recipe.options(__doc__.splitlines()[0], "efficientnet-lite0-57934424.pth")
    p.add_argument("--pkg", help="folder that holds efficientnet_lite_pytorch/")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    receipt = recipe.Receipt(torch=torch.__version__, threads=a.threads, size=a.size, batch=a.batch, seed=a.seed)

    with receipt.step("decode"):
        images, labels, train, test = map(torch.from_numpy, recipe.solar_cells(a.elpv, a.size))
        images = images.permute(0, 3, 1, 2)  # seen as [n, c, h, w], stored as [n, h, w, c]: channels_last
    with receipt.step("load"):
        net = build(a.weights, a.pkg)

    with receipt.step("head"):
        fit(net, images, labels, train, a.batch, a.epochs_head, torch.optim.Adam(net._fc.parameters(), 1e-3))
    with receipt.step("evaluate"):
        receipt.answers("head", right(net, images, labels, test, a.batch))

    body = torch.nn.ModuleList([*list(net._blocks)[len(net._blocks) - a.unfreeze:], net._conv_head, net._bn1])
    body.requires_grad_(True)
    groups = [{"params": body.parameters(), "lr": 1e-4}, {"params": net._fc.parameters(), "lr": 3e-4}]
    with receipt.step("tune"):
        fit(net, images, labels, train, a.batch, a.epochs_tune, torch.optim.Adam(groups))
    with receipt.step("evaluate"):
        receipt.answers("tune", right(net, images, labels, test, a.batch))
    receipt.show()


if __name__ == "__main__":
    main()
