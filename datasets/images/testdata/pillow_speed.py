"""Decodes and resizes ELPV cells with Pillow: the peer of BenchmarkELPV. Usage: pillow_speed.py FOLDER-OF-PNG"""
import concurrent.futures, os, sys, time
import numpy, PIL
from PIL import Image

folder = sys.argv[1]
files = [os.path.join(folder, f) for f in sorted(os.listdir(folder))][:256]


def decode(file):
    return numpy.asarray(Image.open(file).convert("RGB").resize((224, 224), Image.BILINEAR))


def decode_grey(file):
    grey = numpy.asarray(Image.open(file).resize((224, 224), Image.BILINEAR))
    return numpy.repeat(grey[:, :, None], 3, axis=2)


print("Pillow", PIL.__version__)
for name, work in ("as RGB", decode), ("as grey, then RGB", decode_grey):
    for threads in 1, 2:
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            best = processor = 1e9
            for _ in range(3):
                start, used = time.time(), time.process_time()
                n = len(list(pool.map(work, files)))
                best, processor = min(best, time.time() - start), min(processor, time.process_time() - used)
            print(f"{name}, {threads} threads: {n / best:.0f} images/s, {1e6 * processor / n:.0f} processor-µs an image")
