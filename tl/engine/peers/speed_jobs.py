"""What both speed scripts have in common: jobs asked for by name, the warm-up, the clock. See torch_speed.py."""
import json
import statistics
import sys
import time


def options(parser):
    """Adds the options that both scripts take."""
    parser.add_argument("--seconds", type=float, default=4, help="how long one job is repeated")
    parser.add_argument("--job", help="measure this one and end")


def serve(jobs, build, options, forget=lambda: None):
    """Does the jobs named in the input, or the one of --job. jobs[name] is the number of images and what makes a call from a fresh
    network, which build gives; forget runs after each."""
    for line in [options.job] if options.job else sys.stdin:
        name = line.strip()
        if name not in jobs:
            print(json.dumps({"job": name, "missing": True}), flush=True)
            continue
        images, make = jobs[name]
        call = make(build())
        for _ in range(2):
            call()
        walls, processor = [], time.process_time()
        while sum(walls) < options.seconds or len(walls) < 3:
            start = time.perf_counter()
            call()
            walls.append(time.perf_counter() - start)
        print(json.dumps({"job": name, "images": images, "seconds": statistics.median(walls),
                          "processor": (time.process_time() - processor) / len(walls)}), flush=True)
        forget()
