"""Write scikit.json: what scikit-learn says about numbers that Go can make bit for bit.

    pip install scikit-learn==1.9.1 && python3 scikit.py

high [60, 6], low [60, 2] and labels [60] are filled in row-major order by draws(seed) with seeds 1, 2, 3, as in pca.py: whole numbers in −128 … 127, over 64
in the matrices, modulo 3 for labels. To column 0 and 1 of high the label and its double are added, so that there is something to learn.

`trustworthiness`: of low for high at 1, 5, 12 and 29 neighbours (sklearn.manifold.trustworthiness).
`three`, `two`: probabilities for the rows 45 to 59 by LogisticRegression trained on rows 0 to 44, standardised by their mean and deviation, with C = 1/(45·0.01),
which is the penalty 0.01 on the mean cross-entropy; of all labels, and of labels ≥ 1 against 0.
"""
import json
import os

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness

ROWS, TRAIN = 60, 45


def draws(seed, *shape):
    x, values = seed, np.empty(np.prod(shape), dtype=np.int64)
    for i in range(len(values)):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        values[i] = (x >> 24) - 128
    return values.reshape(shape)


high, low, labels = draws(1, ROWS, 6) / 64, draws(2, ROWS, 2) / 64, draws(3, ROWS) % 3
high[:, 0] += labels
high[:, 1] += 2 * labels
mean, deviation = high[:TRAIN].mean(axis=0), high[:TRAIN].std(axis=0)
standard = (high - mean) / deviation


def probabilities(classes):
    model = LogisticRegression(C=1 / (TRAIN * 0.01), tol=1e-10, max_iter=100000).fit(standard[:TRAIN], classes[:TRAIN])
    return model.predict_proba(standard[TRAIN:]).tolist()


golden = {
    "sklearn": sklearn.__version__,
    "labels": labels[:8].tolist(),
    "trustworthiness": {str(k): float(trustworthiness(high, low, n_neighbors=k)) for k in (1, 5, 12, 29)},
    "three": probabilities(labels),
    "two": probabilities(np.minimum(labels, 1)),
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "scikit.json"), "w") as out:
    json.dump(golden, out, indent=1)
    out.write("\n")
