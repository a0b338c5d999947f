# Writes the small Keras and NumPy files of this folder and expected_keras.json: python make_keras.py (Keras 3.15, TensorFlow 2.21,
# h5py 3.14). Run it in this folder.
import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import h5py
import keras
import ml_dtypes
import numpy as np
from keras import layers

image = keras.Input((6, 6, 3))
x = layers.Conv2D(2, 3, name="block1_conv1")(image)
x = layers.BatchNormalization(name="bn1")(x)
x = layers.DepthwiseConv2D(3, use_bias=False, name="dw")(x)
x = layers.Conv2D(3, 1, use_bias=False, name="block1_conv2")(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(2, name="predictions")(x)
model = keras.Model(image, x)
model.compile("sgd", "mse")
model.fit(np.zeros((2, 6, 6, 3)), np.zeros((2, 2)), verbose=0)  # so that there is an optimizer to save
start = 0
for v in model.variables:  # eighths: the same in every type of number
    n = int(np.prod(v.shape))
    v.assign((np.arange(start, start + n, dtype="float32") / 8).reshape(v.shape))
    start += n

model.save_weights("keras.weights.h5")
model.save("model.keras")
model.save("keras.h5")
# The three lines that an error of weights.Read shows: a test compares them.
import keras, numpy
model = keras.saving.load_model("model.keras")
numpy.savez("model.npz", **{v.path: v for v in model.variables})

expected = {v.path: {"shape": list(v.shape), "data": np.array(v).flatten().tolist()} for v in model.variables}
with open("expected_keras.json", "w") as f:
    json.dump(expected, f)


def old(name, **how):
    """A file as Keras 1 and 2 wrote it, with the weights alone: VGG16's "tf_dim_ordering" file has this form."""
    with h5py.File(name, "w", **how) as f:
        f.attrs["layer_names"] = [b"block1_conv1", b"block1_pool"]
        f.create_group("block1_pool").attrs["weight_names"] = np.zeros(0, "S1")
        g = f.create_group("block1_conv1")
        g.attrs["weight_names"] = [b"block1_conv1_W_1:0", b"block1_conv1_b_1:0"]
        g["block1_conv1_W_1:0"] = np.array(expected["block1_conv1/kernel"]["data"], "float32").reshape(3, 3, 3, 2)
        g["block1_conv1_b_1:0"] = np.array(expected["block1_conv1/bias"]["data"], "float32")
        inner = f.create_group("resnet50").create_group("conv1")  # a model in a model, as Keras 2 wrote it
        for kind in ["float16", "float64", "int64", "int32", "int16", "int8", "uint8"]:
            inner[kind + ":0"] = np.arange(5).astype(kind)
        inner = f["resnet50"].create_group("conv2")
        inner["text"] = "no numbers"
        inner["scalar:0"] = np.float32(2.5)
        inner["empty"] = np.zeros((0, 3), "float32")
        inner["bfloat16"] = np.arange(3).astype(ml_dtypes.bfloat16).view("V2")


old("keras2.h5")
old("latest.h5", libver="latest")
with h5py.File("chunks.h5", "w") as f:
    f.create_dataset("conv/kernel", data=np.zeros((8, 8), "float32"), compression="gzip")
with h5py.File("dense.h5", "w", libver="latest") as f:
    for i in range(20):
        f["layer%d" % i] = np.zeros(2, "float32")
with h5py.File("big.h5", "w") as f:
    f["w"] = np.zeros(2, ">f4")
with h5py.File("links.h5", "w") as f:
    f["a"] = np.zeros(2, "float32")
    f["b"] = f["a"]
np.savez("arrays.npz", w=np.arange(6, dtype="float32").reshape(2, 3) / 8, half=np.arange(3, dtype="float16"), long=np.array([7]),
         scalar=np.float32(2.5), double=np.array([0.1]), flag=np.array([True, False]))
np.savez_compressed("compressed.npz", w=np.zeros(2, "float32"))
np.savez("fortran.npz", w=np.asfortranarray(np.zeros((2, 3), "float32")))
np.savez("records.npz", w=np.zeros(2, [("a", "f4")]))
