"""Speed of EfficientNet-Lite0 in PyTorch: forward passes and training steps, on demand.

    python3 torch_speed.py --weights FILE.pth [--pkg DIR] [--threads N]

Reads the name of a job per line from its input and answers each with one line of JSON: images, the median seconds of a call, and the
processor seconds of a call, all cores together. What warms up (memory, kernels chosen) runs when the job is first asked for and is
not counted. speed.go asks; --job NAME measures one and ends. Needs what torch_transfer.py needs.
"""
import argparse

import torch
from torch.nn.functional import cross_entropy

import speed_jobs
from torch_transfer import build


def channels_last(n, c, h, w):
    return torch.randn(n, c, h, w).to(memory_format=torch.channels_last)


def forward(net, images):
    x = channels_last(images, 3, 224, 224)

    @torch.no_grad()
    def call():
        net(x)

    return call


def step(net, images, from_block=None, batch_norm=False):
    """One step of Adam on everything, or on the blocks from one on with what is behind them, given what enters them."""
    labels = torch.zeros(images, dtype=torch.long)
    if from_block is None:
        x, run, moving = channels_last(images, 3, 224, 224), net, net
    else:
        x = channels_last(images, 112, 14, 14)
        blocks = list(net._blocks)[from_block:]
        moving = torch.nn.ModuleList([*blocks, net._conv_head, net._bn1, net._fc])

        def run(y):
            for block in blocks:
                y = block(y)
            y = net._swish(net._bn1(net._conv_head(y)))
            return net._fc(net._avg_pooling(y).flatten(1))

    moving.requires_grad_(True)
    optimizer = torch.optim.Adam(moving.parameters(), 1e-4)

    def call():
        net.train(batch_norm)
        optimizer.zero_grad()
        cross_entropy(run(x), labels).backward()
        optimizer.step()

    return call


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--weights", required=True)
    p.add_argument("--pkg", help="folder that holds efficientnet_lite_pytorch/")
    p.add_argument("--threads", type=int, default=2)
    speed_jobs.options(p)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    jobs = {
        "forward 32": (32, lambda net: forward(net, 32)),
        "forward 16": (16, lambda net: forward(net, 16)),
        "step": (32, lambda net: step(net, 32)),
        "step, batch statistics": (32, lambda net: step(net, 32, batch_norm=True)),
        "suffix step": (32, lambda net: step(net, 32, from_block=11)),
    }
    speed_jobs.serve(jobs, lambda: build(a.weights, a.pkg), a)


if __name__ == "__main__":
    main()
