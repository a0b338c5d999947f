"""Writes cka.json: linear CKA by numpy, which cka_test.go compares with.

Usage: cka.py > cka.json     (made with numpy 2.4.6)

The formula is that of Kornblith et al. 2019 (arXiv 1905.00414), section 3, in the form of their published notebook: feature_space_linear_cka.
"""
import base64, json, sys
import numpy

random = numpy.random.default_rng(7)


def cka(x, y):
    x, y = x.astype(numpy.float64), y.astype(numpy.float64)
    x, y = x - x.mean(0), y - y.mean(0)
    return numpy.linalg.norm(x.T @ y) ** 2 / (numpy.linalg.norm(x.T @ x) * numpy.linalg.norm(y.T @ y))


cases = []
for n, p, q, noise in [(50, 6, 6, 0.0), (50, 6, 9, 0.3), (50, 6, 9, 1.0), (12, 40, 30, 0.5), (12, 40, 3, 2.0), (200, 5, 7, 50.0), (2, 3, 4, 1.0)]:
    hidden = random.normal(size=(n, 4))
    x = (hidden @ random.normal(size=(4, p)) + 3).astype(numpy.float32)
    y = (hidden @ random.normal(size=(4, q)) * 2 - 1 + noise * random.normal(size=(n, q))).astype(numpy.float32)
    cases.append({"n": n, "p": p, "q": q, "x": base64.b64encode(x.tobytes()).decode(), "y": base64.b64encode(y.tobytes()).decode(), "cka": cka(x, y)})
json.dump(cases, sys.stdout, separators=(",", ":"))
print()
