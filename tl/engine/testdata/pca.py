"""Write pca.json: what numpy's singular value decomposition finds in a [1968, 1280] matrix that Go can build bit for bit.

    python3 pca.py

The matrix has the size of the lab's representations (1,968 training images, 1,280 features), twelve directions of decaying
strength, noise, and a mean that is not zero. Every entry is a whole number below 2²⁴ over 2¹⁶, so float32 holds it exactly:

    X[i, j] = (Σ_r STRENGTH[r]·a[i, r]·b[r, j] + 2048·e[i, j] + 4096·m[j]) / 65536

a [1968, 12], b [12, 1280], m [1280] and e [1968, 1280] are filled in row-major order by draws(seed) with seeds 1, 2, 3, 4:
x ← 1664525·x + 1013904223 mod 2³², from x = seed; each new x gives (x >> 24) − 128, a whole number in −128 … 127.

pca.json: `first_row` (X[0, :5]) and `checksum` (the sum of all numerators) to test the generator; `total_variance` and
`variances` (of the first 10 components, sums of squares over n − 1); `scores` of rows 0 to 4 and the first 5 `loadings` of
each component. Signs are arbitrary: compare up to a sign per component.
"""
import json
import os

import numpy as np

ROWS, COLUMNS, KEPT = 1968, 1280, 10
STRENGTH = np.array([100, 70, 50, 35, 25, 18, 12, 9, 6, 4, 3, 2])


def draws(seed, *shape):
    x, values = seed, np.empty(np.prod(shape), dtype=np.int64)
    for i in range(len(values)):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        values[i] = (x >> 24) - 128
    return values.reshape(shape)


a, b = draws(1, ROWS, len(STRENGTH)), draws(2, len(STRENGTH), COLUMNS)
numerators = (a * STRENGTH) @ b + 2048 * draws(4, ROWS, COLUMNS) + 4096 * draws(3, COLUMNS)
assert abs(numerators).max() < 1 << 24
X = numerators / 65536
centred = X - X.mean(axis=0)
u, s, vt = np.linalg.svd(centred, full_matrices=False)
golden = {
    "numpy": np.__version__,
    "first_row": X[0, :5].tolist(),
    "checksum": int(numerators.sum()),
    "total_variance": float((s**2).sum() / (ROWS - 1)),
    "variances": (s[:KEPT] ** 2 / (ROWS - 1)).tolist(),
    "scores": (u * s)[:5, :KEPT].tolist(),
    "loadings": vt[:KEPT, :5].tolist(),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pca.json"), "w") as out:
    json.dump(golden, out, indent=1)
    out.write("\n")
print("variances", np.round(golden["variances"], 3), "of", round(golden["total_variance"], 3))
