# Writes the small PyTorch files of this folder and expected.json: python3 make.py (PyTorch 1.13; any later one writes files that
# hold the same tensors). Run it in this folder.
import json
import os
import pickle
from collections import OrderedDict

import torch


def state():
    shared = torch.arange(6, dtype=torch.float32)
    s = OrderedDict()
    s["float32"] = torch.tensor([[1.5, -2.25, 3.0], [0.0, 1e-30, 3e38]])
    s["float16"] = torch.tensor([1.0, -0.333251953125, 65504.0, 6e-8, float("inf")], dtype=torch.float16)
    s["bfloat16"] = torch.tensor([1.0, -3.140625, 1e30], dtype=torch.bfloat16)
    s["float64"] = torch.tensor([0.1, -1e300], dtype=torch.float64)
    s["int64"] = torch.tensor([-(2**40), 7])
    s["int32"] = torch.tensor([-5, 2**30], dtype=torch.int32)
    s["int16"] = torch.tensor([-5, 300], dtype=torch.int16)
    s["int8"] = torch.tensor([-5, 127], dtype=torch.int8)
    s["uint8"] = torch.tensor([0, 255], dtype=torch.uint8)
    s["bool"] = torch.tensor([True, False])
    s["scalar"] = torch.tensor(42)
    s["empty"] = torch.zeros(0, 3)
    s["transposed"] = torch.arange(6, dtype=torch.float32).reshape(2, 3).t()
    s["window.a"] = shared[1:3]
    s["window.b"] = shared[4:]
    s["parameter"] = torch.nn.Parameter(torch.tensor([0.5]))
    s["epoch"] = 3
    return s


def expected(s):
    out = OrderedDict()
    for name, t in s.items():
        if torch.is_tensor(t):
            values = t.detach().to(torch.float32).flatten().tolist()
            out[name] = {"shape": list(t.shape), "data": [str(v) for v in values]}
    return out


class Evil:
    def __reduce__(self):
        return os.system, ("touch EXECUTED",)


class Builtin:
    def __reduce__(self):
        return eval, ("open('EXECUTED', 'w')",)


def save(value, name):
    torch.save(value, name + ".old.pth", _use_new_zipfile_serialization=False)
    torch.save(value, name + ".zip.pth")


save(state(), "state")
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
save({"epoch": 3, "optimizer": {"lr": 0.1, "state": [1, 2]}, "state_dict": model.state_dict()}, "checkpoint")
save(OrderedDict(weight=torch.zeros(2), evil=Evil()), "system")
save(OrderedDict(weight=torch.zeros(2), evil=Builtin()), "eval")
save(OrderedDict(weight=torch.zeros(2, dtype=torch.complex64)), "complex")
save(OrderedDict(), "nothing")
save([torch.zeros(2)], "list")
save(torch.nn.Linear(2, 1), "module")
with open("plain.pickle", "wb") as f:
    pickle.dump({"a": 1}, f, protocol=2)
with open("expected.json", "w") as f:
    json.dump(expected(state()), f, indent=1)
