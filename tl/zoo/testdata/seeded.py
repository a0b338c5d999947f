"""Weights and pixels that Python and Go make alike, from names: seeded_test.go beside the zoo has the same formulas."""
import numpy as np


def noise(name, count):
    """count numbers in [-1, 1): the 32-bit hash "lowbias32" (Wellons 2018) of the place plus the FNV-1a hash of the name."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + seed).astype(np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x ^= x >> np.uint32(16)
    return (x.astype(np.int32).astype(np.float64) / 2**31).astype(np.float32)


def tensor(name, shape, kind, inputs):
    """One tensor, so scaled that activations keep their size: kernels by their inputs (He et al. 2015), batch norms near 1."""
    u = noise(name, int(np.prod(shape))).astype(np.float64)
    value = {"kernel": u * np.sqrt(6.0 / inputs), "scale": 0.8 + 0.2 * u, "offset": 0.1 * u, "bias": 0.1 * u,
             "mean": 0.1 * u, "variance": 1 + 0.3 * u}[kind]
    return value.astype(np.float32).reshape(shape)


def pixels(images, size):
    """Bytes [images, size, size, 3], red green blue."""
    values = noise("pixels", images * size * size * 3).astype(np.float64)
    return np.floor((values + 1) * 128).astype(np.uint8).reshape(images, size, size, 3)


def wave(shape):
    """What the representation is multiplied with to make a loss."""
    return np.sin(np.arange(int(np.prod(shape)), dtype=np.float64)).astype(np.float32).reshape(shape)


def figures(x):
    """Mean and population deviation of a block's output."""
    x = np.asarray(x, dtype=np.float64)
    return [float(x.mean()), float(x.std())]


def golden(size, blocks, representation, gradients):
    """What is stored of a network: for each block its output's figures; the representation's, and its first numbers for image 0; for each
    block the Euclidean norm of the gradient of sum(representation × wave) in all its parameters."""
    return {"size": size, "images": len(representation), "blocks": [[name, *figures(x)] for name, x in blocks],
            "representation": figures(representation), "first": [float(v) for v in np.asarray(representation)[0, :64]],
            "gradients": {name: float(np.sqrt(g)) for name, g in gradients.items()}}
