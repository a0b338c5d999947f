"""What every peer has in common: the task, the split, the input, the options, the clock. Import it first: it starts the clock.

Task: a solar cell is defective where its defect probability is at least 0.5 (two classes).
Split: in the order of labels.csv, rows 0, 4, 8 ... are test, the others training.
Input: 224×224×3 (grey repeated), Pillow's bilinear resizing, (v − 127) / 128.
Recipe: train a new head on the frozen network (Adam, 1e-3); then unfreeze the last blocks and the convolution after them and
train on at a much lower rate. Batch norm stays in inference mode throughout. The last epoch stands; no augmentation.
"""
import time

START = time.perf_counter()

import argparse
import json
import os
from contextlib import contextmanager

import numpy as np
from PIL import Image


def options(description, weights):
    """Parser of the options that all peers take."""
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--elpv", required=True, help="elpv_dataset/data of the PyPI package elpv-dataset 1.0.0.post1")
    p.add_argument("--weights", required=True, help=weights)
    p.add_argument("--size", type=int, default=224, help="side of the input in pixels")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--epochs-head", type=int, default=5)
    p.add_argument("--epochs-tune", type=int, default=3)
    p.add_argument("--unfreeze", type=int, default=5, help="how many of the last of the 16 MBConv blocks to unfreeze")
    p.add_argument("--seed", type=int, default=0)
    return p


class Receipt:
    """Collects what is printed as JSON at the end. Steps are in seconds; total_s runs from decoding to the last accuracy, and
    import_s, what Python and its libraries took before, is not part of it."""

    def __init__(self, **facts):
        self.facts = facts
        self.start = time.perf_counter()
        self.facts["import_s"] = round(self.start - START, 2)

    @contextmanager
    def step(self, name):
        """Add the time of the block to NAME_s."""
        since = time.perf_counter()
        yield
        key = name + "_s"
        self.facts[key] = round(self.facts.get(key, 0) + time.perf_counter() - since, 2)

    def answers(self, name, right):
        """right says for each test row, in order, whether the answer was right: the share, and for tests in pairs the rows."""
        right = np.asarray(right, dtype=bool)
        self.facts[name + "_accuracy"] = round(float(right.mean()), 4)
        self.facts[name + "_right"] = "".join("1" if r else "0" for r in right)

    def show(self):
        self.facts["total_s"] = round(time.perf_counter() - self.start, 2)
        print(json.dumps(self.facts))


def solar_cells(folder, size):
    """Images [n, size, size, 3] float32, labels [n] (1 is defective), and the rows for training and for the test."""
    with open(os.path.join(folder, "labels.csv")) as lines:
        rows = [line.split() for line in lines if line.strip()]
    images = np.empty((len(rows), size, size, 3), dtype=np.float32)
    for i, (name, *_) in enumerate(rows):
        with Image.open(os.path.join(folder, name)) as image:
            images[i] = image.convert("RGB").resize((size, size), Image.BILINEAR)
    images -= 127
    images /= 128
    labels = np.array([float(probability) >= 0.5 for _, probability, *_ in rows], dtype=np.int64)
    held_out = np.arange(len(rows)) % 4 == 0
    return images, labels, np.flatnonzero(~held_out), np.flatnonzero(held_out)
