"""Writes pillow_views.json: what Pillow makes of ELPV cells and of a small coloured picture where torchvision's transforms call it, which
views_test.go compares with.

Usage: pillow_views.py FOLDER-OF-ELPV-PNG > pillow_views.json     (made with Pillow 13.0.0 and numpy)

The functions are those that torchvision.transforms.v2 calls for a PIL image: Resize and CenterCrop (transforms/functional.py),
adjust_brightness, adjust_contrast, adjust_saturation and adjust_hue (transforms/_functional_pil.py, 0.20).
"""
import base64, json, os, sys
import numpy
import PIL
from PIL import Image, ImageEnhance

folder = sys.argv[1]
random = numpy.random.default_rng(5)


def resize_and_cut(image, size, short, filter):
    w, h = image.size
    w, h = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
    left, top = int(round((w - size) / 2.0)), int(round((h - size) / 2.0))
    return image.resize((w, h), filter).crop((left, top, left + size, top + size))


rules = []
for name in sorted(os.listdir(folder))[::400]:
    grey = Image.open(os.path.join(folder, name))
    wide = grey.crop((0, 20, 300, 241))  # 300×221
    for what, image in [("whole", grey), ("wide", wide)]:
        for short, bicubic in [(256, False), (256, True), (232, False), (224, True)]:
            cut = numpy.asarray(resize_and_cut(image, 224, short, Image.BICUBIC if bicubic else Image.BILINEAR))
            at = random.integers(0, 224 * 224, 40)
            rules.append({"name": name, "wide": what == "wide", "short": short, "bicubic": bicubic, "at": at.tolist(), "values": cut.reshape(-1)[at].tolist()})

pixels = random.integers(0, 256, (8, 6, 3)).astype(numpy.uint8)
pixels[0, 0] = pixels[0, 1] = 90  # without colour
colour, grey = Image.fromarray(pixels), Image.fromarray(pixels[:, :, 0].copy())


def hue(image, turn):
    h, s, v = image.convert("HSV").split()
    h = Image.fromarray(numpy.asarray(h) + numpy.array(turn * 255).astype(numpy.int32).astype(numpy.uint8))
    return Image.merge("HSV", (h, s, v)).convert("RGB")


def values(image):
    return base64.b64encode(numpy.asarray(image.convert("RGB")).tobytes()).decode()


colours = []
for change in [-1, -0.4, -0.05, 0.05, 0.37, 1]:
    for what, enhance in [("Brightness", ImageEnhance.Brightness), ("Contrast", ImageEnhance.Contrast), ("Saturation", ImageEnhance.Color)]:
        colours.append({"what": what, "change": change, "colour": values(enhance(colour).enhance(1 + change)),
                        "grey": values(enhance(grey).enhance(1 + change))})
for turn in [-0.5, -0.2, 0.1, 0.35]:
    colours.append({"what": "Hue", "change": turn, "colour": values(hue(colour, turn)), "grey": values(grey)})
colours.append({"what": "Grey", "change": 0, "colour": values(colour.convert("L")), "grey": values(grey)})
json.dump({"pillow": PIL.__version__, "rules": rules, "pixels": base64.b64encode(pixels.tobytes()).decode(), "width": 6, "height": 8,
           "colours": colours}, sys.stdout, separators=(",", ":"))
print()
