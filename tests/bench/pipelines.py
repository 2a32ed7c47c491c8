#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole pipelines with the shipped network: frames per second, processor time per frame, latency.

    python3 tests/bench/pipelines.py MODEL [--frames N]

GST_PLUGIN_PATH names the plug-in's folder. Each pipeline runs twice, with N frames and with 2 N: the
difference is what N frames cost, without start-up. As fast as it goes, and also live at 30 frames per
second, where the processor time per frame includes waking up. For each size, the first row is without
the network. The latency is what a frame takes through the elements convrnn and convrnnvideo, as
GStreamer's own tracer tells it: half of the frames take no longer than p50, and so on.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SKIP = 77
FORMATS = ("RGB", "BGRx", "I420", "NV12")
SIZES = ((128, 96), (640, 480), (1920, 1080))
LIVE_FRAMES = 30
PERCENTILES = (50, 90, 99)
ELEMENTS = ("network", "picture")
TRACED = re.compile(r"element-latency, .*element=\(string\)(\w+), .*time=\(guint64\)(\d+)")


def pipelines(model):
    """Name and the part after the source, whose caps stand between."""
    for width, height in SIZES:
        for kind in FORMATS:
            caps = f"video/x-raw,format={kind},width={width},height={height},framerate=30/1"
            name = f"{kind} {width}×{height}"
            if kind == FORMATS[0]:
                yield f"{name}, no network", caps, ""
            yield name, caps, f"! convrnn name=network model={model}"
        caps = f"video/x-raw,format=RGB,width={width},height={height},framerate=30/1"
        yield (f"RGB {width}×{height}, heat map", caps,
               f"! convrnn name=network model={model} ! convrnnvideo name=picture mode=heatmap")


def run(caps, elements, frames, live, **environment):
    """Seconds by the clock and of processor time."""
    source = f"videotestsrc pattern=black num-buffers={frames} is-live={str(live).lower()}"
    command = f"gst-launch-1.0 -q {source} ! {caps} {elements} ! fakesink sync=false"
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, **environment})
    elapsed, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def per_frame(caps, elements, frames, live=False):
    short, long = (run(caps, elements, n, live) for n in (frames, 2 * frames))
    return tuple((b - a) / frames for a, b in zip(short, long))


def latencies(caps, elements, frames):
    """Milliseconds that frames take through our elements, in order; none where nothing traces."""
    times = {name: [] for name in ELEMENTS}
    if not elements:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace")
        run(caps, elements, frames, False, GST_TRACERS="latency(flags=element)",
            GST_DEBUG="GST_TRACER:7", GST_DEBUG_FILE=path, GST_DEBUG_NO_COLOR="1")
        if not os.path.exists(path):  # a GStreamer without its log
            return []
        with open(path, encoding="utf-8") as file:
            for name, nanoseconds in TRACED.findall(file.read()):
                if name in times:
                    times[name].append(int(nanoseconds) / 1e6)
    every = [of_one for of_one in times.values() if of_one]
    return sorted(map(sum, zip(*every)))


def percentiles(values):
    """As text; the nearest rank."""
    if not values:
        return ["–" for _ in PERCENTILES]
    return [f"{values[max(-(-len(values) * p // 100), 1) - 1]:.3f}" for p in PERCENTILES]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--frames", type=int, default=500)
    options = parser.parse_args()
    if not shutil.which("gst-launch-1.0"):
        print("skipped: there is no gst-launch-1.0")
        return SKIP
    run("video/x-raw,width=64,height=64", f"! convrnn model={options.model}", 1, False)  # the registry
    ranks = " ".join(f"{f'p{p}':>7}" for p in PERCENTILES)
    print(f"{'pipeline':32} {'frames/s':>9} {'CPU ms/frame':>13} {'live, CPU ms/frame':>19} "
          f"{ranks} ms latency")
    for name, caps, elements in pipelines(options.model):
        elapsed, busy = per_frame(caps, elements, options.frames)
        _, live = per_frame(caps, elements, LIVE_FRAMES, live=True)
        rate = f"{1 / elapsed:.0f}" if elapsed > 0 else "–"
        ranks = " ".join(f"{p:>7}" for p in percentiles(latencies(caps, elements, options.frames)))
        print(f"{name:32} {rate:>9} {busy * 1e3:13.3f} {live * 1e3:19.3f} {ranks}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
