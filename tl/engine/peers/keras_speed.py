"""Speed of EfficientNet-Lite0 in TensorFlow and Keras: forward passes and training steps, on demand.

    KERAS_BACKEND=tensorflow python3 keras_speed.py --weights FILE.npz

Reads the name of a job per line from its input and answers each with one line of JSON, as torch_speed.py does. The forward pass is a
compiled tf.function whose result is copied out, which was faster than Model.predict and than XLA (jit_compile=True); a training step
is train_on_batch. Batch norm is in inference mode throughout. Needs what keras_transfer.py needs.
"""
import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
from keras import layers

import speed_jobs
from keras_transfer import Lite0, compiled


def numbers(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype("float32")


def forward(net, images):
    base = keras.Model(net.inputs, net.features)
    run = tf.function(lambda x: base(x, training=False))
    x = tf.constant(numbers(images, 224, 224, 3))
    return lambda: run(x).numpy()


def step(model, images, shape):
    compiled(model, 1e-4)
    x, labels = numbers(images, *shape), np.zeros(images, dtype="int64")
    return lambda: model.train_on_batch(x, labels)


def whole(net):
    return keras.Model(net.inputs, layers.Dense(2)(net.features))


def suffix(net):
    """The last 5 blocks and what is behind them as a model of what enters them, made of the same layers."""
    whole_model = whole(net)
    after = net.blocks[10][-1].output  # the last batch norm of block 11, whose sum with its input follows
    entry = next(n.operation.output for n in after._keras_history.operation._outbound_nodes if isinstance(n.operation, layers.Add))
    return keras.Model(entry, whole_model.output)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--weights", required=True, help="the state dict as .npz, from pth_to_npz.py")
    speed_jobs.options(p)
    a = p.parse_args()
    state = np.load(a.weights)
    jobs = {
        "forward 32": (32, lambda net: forward(net, 32)),
        "forward 16": (16, lambda net: forward(net, 16)),
        "step": (32, lambda net: step(whole(net), 32, (224, 224, 3))),
        "suffix step": (32, lambda net: step(suffix(net), 32, (14, 14, 112))),
    }
    speed_jobs.serve(jobs, lambda: Lite0(state, 224), a, keras.backend.clear_session)


if __name__ == "__main__":
    main()
