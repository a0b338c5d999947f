"""Copy a PyTorch state dict to .npz, tensor by tensor, under the same names. Needs Debian's python3-torch.

    python3 pth_to_npz.py IN.pth OUT.npz
"""
import os
import sys

import numpy as np
import torch

if len(sys.argv) != 3:
    sys.exit(__doc__)
source, target = sys.argv[1:]
state = torch.load(source, map_location="cpu")
with open(target + ".part", "wb") as out:
    np.savez(out, **{name: tensor.numpy() for name, tensor in state.items()})
os.replace(target + ".part", target)
