"""Write parity_keras.json: what Keras's InceptionV3, VGG16 and the lecture's network compute with seeded weights.

    python3 parity_keras.py

Needs keras 3.15.1 with tensorflow-cpu. seeded.py says how weights and pixels are made.
"""
import hashlib
import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

import seeded

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {"kernel": "kernel", "bias": "bias", "gamma": "scale", "beta": "offset", "moving_mean": "mean", "moving_variance": "variance"}


def name(variable):
    return "/".join(variable.path.split("/")[-2:])


def fill(model):
    for v in model.variables:
        kind = KINDS[name(v).rsplit("/", 1)[1]]
        v.assign(seeded.tensor(name(v), v.shape, kind, int(np.prod(v.shape[:-1]))))


def compute(model, x, blocks):
    """blocks maps ours to the layer whose output ends it, in order."""
    fill(model)
    ends = keras.Model(model.inputs, [model.get_layer(layer).output for layer in blocks.values()] + model.outputs)
    with tf.GradientTape() as tape:
        *outputs, representation = ends(x, training=False)
        loss = tf.reduce_sum(representation * seeded.wave(representation.shape))
    trained = model.trainable_variables
    order = [layer.name for layer in model.layers]
    gradients = dict.fromkeys(blocks, 0.0)
    for v, g in zip(trained, tape.gradient(loss, [v.value for v in trained])):
        at = order.index(name(v).split("/")[0])
        block = next(b for b, layer in blocks.items() if order.index(layer) >= at)
        gradients[block] += float(np.sum(np.asarray(g, dtype=np.float64) ** 2))
    outputs = [np.asarray(y) for y in outputs]
    outputs[-1] = np.asarray(representation)  # our last block ends in the mean
    return seeded.golden(x.shape[1], list(zip(blocks, outputs)), np.asarray(representation), gradients)


def names(model):
    """A hash over the names and shapes of all variables, sorted."""
    lines = sorted(f"{name(v)} {tuple(v.shape)}" for v in model.variables)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def inception():
    keras.backend.clear_session()
    model = keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg", input_shape=(75, 75, 3))
    second_pool = [layer.name for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)][1]
    blocks = {"stem": second_pool, **{f"mixed{i}": f"mixed{i}" for i in range(11)}}
    return compute(model, seeded.pixels(2, 75).astype(np.float32) / 127.5 - 1, blocks)


def vgg():
    model = keras.applications.VGG16(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    x = keras.applications.vgg16.preprocess_input(seeded.pixels(2, 64).astype(np.float32))
    return compute(model, x, {f"block{i}": f"block{i}_pool" for i in range(1, 6)})


def lecture():
    layers = [keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
              keras.layers.Conv2D(16, 5, strides=2, padding="same", activation="relu", name="conv2"), keras.layers.Flatten(),
              keras.layers.Dense(512, activation="relu", name="hidden")]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    return compute(model, seeded.pixels(2, 32).astype(np.float32) / 255, {"conv1": "conv1", "conv2": "conv2", "hidden": "hidden"})


def main():
    goldens = {"inception_v3": inception(), "vgg16_notop": vgg(), "lecture_cnn": lecture()}
    keras.backend.clear_session()
    variables = {"inception_v3": names(keras.applications.InceptionV3(weights=None)), "vgg16": names(keras.applications.VGG16(weights=None))}
    with open(os.path.join(HERE, "parity_keras.json"), "w") as out:
        json.dump({"keras": keras.__version__, "tensorflow": tf.__version__, "networks": goldens, "names": variables}, out, indent=1)
        out.write("\n")
    for network, g in goldens.items():
        print(network, g["representation"], [round(b[2], 3) for b in g["blocks"]])


main()
