"""Reads a model that the lab saved, as Python programs do, and prints what it finds: read_saved.py FOLDER

read_saved.txt is what it printed for the model of TestSavedBytes, with safetensors 0.8.0 and NumPy 2.4.6. To write it anew:
TLAB_KEEP_SAVED=/tmp/saved go test ./tl/engine -run TestSavedBytes, then run this on /tmp/saved.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

folder = Path(sys.argv[1])
record = json.loads((folder / "model.json").read_text())
for name in sorted(f["Name"] for f in record["Files"] if f["Name"].endswith(".safetensors")):
    tensors = load_file(folder / name)
    with safe_open(folder / name, framework="np") as f:
        print(name, "·", f.metadata()["content"], "·", f.metadata()["layout"])
    for key in sorted(tensors):
        t = tensors[key]
        bits = np.ascontiguousarray(t).view(np.uint32).reshape(-1)
        check = sum(i * int(b) for i, b in enumerate(bits, 1)) % 2**32  # changes with any bit, and with the order
        print(f"{key} {list(t.shape)} {t.dtype} {bits[0]:08x} … {bits[-1]:08x}, check {check:08x}")
