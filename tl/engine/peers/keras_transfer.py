"""Keras's usual two-phase transfer learning on the ELPV solar cells (see recipe.py), timed step by step.

    KERAS_BACKEND=tensorflow python3 keras_transfer.py --elpv DIR --weights FILE.npz [--cached]

FILE.npz comes from pth_to_npz.py. --cached is the lighter workflow of Keras's own guide: run the frozen network once and
train the head on what it gave. Needs the packages of requirements.txt. Prints one JSON object.
"""
import recipe
import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
from keras import layers

# EfficientNet-Lite0's stages: kernel, stride of the first block, expansion, channels, blocks.
STAGES = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
          (3, 1, 6, 320, 1)]


class Lite0:
    """Builds the network layer by layer and sets each layer's weights from a PyTorch state dict (names to arrays)."""

    def __init__(self, state, size):
        self.state = state
        self.blocks = []  # layers with weights of each MBConv block, then those of the convolution after them
        self.inputs = layers.Input((size, size, 3))
        self.made = []
        x = self.unit(self.inputs, layers.Conv2D(32, 3, 2, "same", use_bias=False), "_conv_stem", "_bn0")
        for kernel, stride, expansion, channels, repeats in STAGES:
            for i in range(repeats):
                x = self.mbconv(x, f"_blocks.{len(self.blocks)}", kernel, stride if i == 0 else 1, expansion, channels)
        self.made = []
        x = self.unit(x, layers.Conv2D(1280, 1, use_bias=False), "_conv_head", "_bn1")
        self.blocks.append(self.made)
        self.features = layers.GlobalAveragePooling2D()(x)

    def mbconv(self, x, name, kernel, stride, expansion, channels):
        """Inverted residual block (Sandler et al. 2018): expand, depthwise, project, add where the shape stays."""
        self.made, into, cin = [], x, x.shape[-1]
        if expansion > 1:
            expand = layers.Conv2D(cin * expansion, 1, use_bias=False)
            x = self.unit(x, expand, name + "._expand_conv", name + "._bn0")
        depthwise = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False)
        x = self.unit(x, depthwise, name + "._depthwise_conv", name + "._bn1")
        project = layers.Conv2D(channels, 1, use_bias=False)
        x = self.unit(x, project, name + "._project_conv", name + "._bn2", relu=False)
        self.blocks.append(self.made)
        return layers.Add()([x, into]) if stride == 1 and cin == channels else x

    def unit(self, x, convolution, kernel, norm, relu=True):
        """Convolution, batch norm in inference mode, ReLU6."""
        x = convolution(x)
        axes = (2, 3, 0, 1) if isinstance(convolution, layers.DepthwiseConv2D) else (2, 3, 1, 0)
        convolution.set_weights([self.state[kernel + ".weight"].transpose(axes)])
        batch_norm = layers.BatchNormalization(epsilon=1e-3)
        x = batch_norm(x, training=False)
        batch_norm.set_weights([self.state[f"{norm}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")])
        self.made += [convolution, batch_norm]
        return layers.ReLU(6.0)(x) if relu else x


def compiled(model, rate):
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    return model


def main():
    p = recipe.options(__doc__.splitlines()[0], "the state dict as .npz, from pth_to_npz.py")
    p.add_argument("--cached", action="store_true", help="represent once, train the head on that")
    a = p.parse_args()
    keras.utils.set_random_seed(a.seed)
    receipt = recipe.Receipt(keras=keras.__version__, backend=keras.backend.backend(), size=a.size, batch=a.batch, cached=a.cached,
                             seed=a.seed)
    with receipt.step("decode"):
        images, labels, train, test = recipe.solar_cells(a.elpv, a.size)
    with receipt.step("load"):
        net = Lite0(np.load(a.weights), a.size)
        base = keras.Model(net.inputs, net.features)
        base.trainable = False
        head = layers.Dense(2)
        model = keras.Model(net.inputs, head(net.features))

    def fit(m, x, rate, epochs):
        compiled(m, rate).fit(x, labels[train], batch_size=a.batch, epochs=epochs, verbose=0)

    def right():
        return model.predict(images[test], batch_size=a.batch, verbose=0).argmax(1) == labels[test]

    if a.cached:
        with receipt.step("represent"):
            x = base.predict(images[train], batch_size=a.batch, verbose=0)
        with receipt.step("head"):
            fit(keras.Sequential([layers.Input(x.shape[1:]), head]), x, 1e-3, a.epochs_head)
    else:
        with receipt.step("head"):
            fit(model, images[train], 1e-3, a.epochs_head)
    with receipt.step("evaluate"):
        receipt.answers("head", right())

    for block in net.blocks[len(net.blocks) - 1 - a.unfreeze:]:
        for layer in block:
            layer.trainable = True
    with receipt.step("tune"):
        fit(model, images[train], 1e-4, a.epochs_tune)
    with receipt.step("evaluate"):
        receipt.answers("tune", right())
    receipt.show()


if __name__ == "__main__":
    main()
