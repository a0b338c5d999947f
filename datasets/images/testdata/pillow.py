"""Writes pillow.json: what Pillow makes of ELPV cells and of small files in many formats, which images_test.go compares with.

Usage: pillow.py FOLDER-OF-ELPV-PNG > pillow.json     (made with Pillow 13.0.0 and numpy)
"""
import base64, io, json, os, sys
import numpy
import PIL
from PIL import Image, ImageOps

folder = sys.argv[1]
random = numpy.random.default_rng(3)
names = sorted(os.listdir(folder))[::164]
cells = []
for name in names:
    grey = Image.open(os.path.join(folder, name))
    assert grey.mode == "L" and grey.size == (300, 300), (name, grey.mode, grey.size)
    small = numpy.asarray(grey.resize((224, 224), Image.BILINEAR))
    crop = numpy.asarray(grey.crop((38, 38, 262, 262)))
    at = random.integers(0, 224 * 224, 250)
    cells.append({"name": name, "at": at.tolist(), "resized": small.reshape(-1)[at].tolist(), "cropped": crop.reshape(-1)[at].tolist()})

width, height = 12, 8
y, x = numpy.mgrid[0:height, 0:width]
rgb = numpy.stack([20 * x, 30 * y, 255 - 10 * x - 12 * y], axis=2).astype(numpy.uint8)
grey = (15 * x + 8 * y).astype(numpy.uint8)
alpha = (255 - 20 * x).astype(numpy.uint8)
colour = Image.fromarray(rgb)
files = {}


def add(name, image, want, tolerance=0, **options):
    out = io.BytesIO()
    image.save(out, name.split(".")[-1].replace("jpg", "jpeg"), **options)
    want = numpy.asarray(want, dtype=numpy.uint8)
    files[name] = {"file": base64.b64encode(out.getvalue()).decode(), "width": want.shape[1], "height": want.shape[0],
                   "want": base64.b64encode(want.tobytes()).decode(), "tolerance": tolerance}
    return out.getvalue()


def read(file):
    """What Pillow makes of an encoded image."""
    return numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert("RGB"))


def three(channel):
    return numpy.stack([channel] * 3, axis=2)


add("grey.png", Image.fromarray(grey), three(grey))
add("rgb.png", colour, rgb)
add("grey16.png", Image.fromarray((grey.astype(numpy.uint16) << 8) + 77), three(grey))
add("bits.png", Image.fromarray(grey > 100), three((grey > 100) * 255))
add("grey-alpha.png", Image.fromarray(numpy.stack([grey, alpha], axis=2), "LA"), three(grey))
add("rgba.png", Image.fromarray(numpy.concatenate([rgb, alpha[:, :, None]], axis=2), "RGBA"), rgb)
palette = colour.quantize(16)
add("palette.png", palette, palette.convert("RGB"))
add("palette-transparent.png", palette, palette.convert("RGB"), transparency=0)
# JPEG decoders may differ by rounding: 2 of 255 in each value (4:4:4), more where colour is stored at half size.
for name, image, tolerance, options in [
    ("grey.jpg", Image.fromarray(grey), 2, {"quality": 95}),
    ("rgb.jpg", colour, 3, {"quality": 95, "subsampling": 0}),
    ("progressive.jpg", colour, 3, {"quality": 95, "subsampling": 0, "progressive": True}),
    ("cmyk.jpg", colour.convert("CMYK"), 3, {"quality": 95}),
] + [(f"orientation{n}.jpg", colour, 3, {"quality": 95, "subsampling": 0, "orientation": n}) for n in range(1, 9)]:
    if "orientation" in options:
        exif = Image.Exif()
        exif[0x0112] = options.pop("orientation")
        options["exif"] = exif
    out = io.BytesIO()
    image.save(out, "jpeg", **options)
    add(name, image, read(out.getvalue()), tolerance, **options)
json.dump({"pillow": PIL.__version__, "cells": cells, "files": files}, sys.stdout, separators=(",", ":"))
print()
