# The first cell of a notebook that asks a network what is in one photograph. EfficientNet-Lite0 as in tl/engine/peers, with a new head.
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.argv = ["cell"]
sys.path.insert(0, PEERS)
import numpy as np
import keras
from keras import layers
from PIL import Image
from keras_transfer import Lite0

net = Lite0(np.load(WEIGHTS), 224)
model = keras.Model(net.inputs, layers.Dense(2, activation="softmax")(net.features))
with Image.open(PHOTOGRAPH) as image:
    pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.BILINEAR), dtype=np.float32)
print("probabilities", model.predict((pixels[None] - 127) / 128, verbose=0))
