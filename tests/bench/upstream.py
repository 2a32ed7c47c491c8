#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GStreamer's own onnxinference (1.26 or newer) and convrnn, whole pipelines in turn:

    python3 tests/bench/upstream.py --build build --write

The same file and the same frames, videotestsrc ! ELEMENT ! fakesink. onnxinference takes networks of
one picture without memory only, so those that have one lose it: their states stay zeros. First both
run a few frames and what they attach is compared; a difference beyond the precision's tolerance is an
error. onnxinference has no property for its number of threads: its ONNX Runtime binds one to each of
the machine's processors, whatever the process may use, so both get them all. Times are medians of
runs that alternate, from the sixth frame to the last, the source included.
--write puts the tables into docs/performance.md; without it they are only printed.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

SKIP = 77
try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstAnalytics", "1.0")
    import contest
    import networks
    import numpy
    import onnx
    import report
except (ImportError, ValueError) as missing:
    print(f"skipped: {missing}. It needs GStreamer 1.26 and its Python bindings, in Debian "
          "gir1.2-gst-plugins-bad-1.0, NumPy and ONNX", file=sys.stderr)
    sys.exit(SKIP)

HERE = pathlib.Path(__file__).resolve().parent
ULTRAFACE = networks.DATA / "cnn/ultraface_version-RFB-320.onnx"
NAMES = ("motion", "mobile", "ultraface", "sweatynet", "rvm")
LEVELS = ("disable-all", "enable-all")
PRECISIONS = ("fp32", "bf16x3", "bf16")
SOURCE = "videotestsrc pattern=ball num-buffers={} ! video/x-raw,format=RGB,width={},height={}"
CHECKED_FRAMES = 3
SECONDS = 1.0  # of a run, about
FEWEST, MOST = 25, 3000  # frames in it
NOISE = "Schema error"  # of Debian's ONNX Runtime, thousands of lines when it is loaded


def has_upstream():
    """Asked for in another process, that nothing of ONNX Runtime is in this one."""
    return shutil.which("gst-inspect-1.0") and not subprocess.run(
        ["gst-inspect-1.0", "--exists", "onnxinference"], stderr=subprocess.DEVNULL).returncode


def picture_network(name, folder):
    """Title, file, height and width of a network that takes one picture and has no state; None where
    its data is not here. onnxinference wants an id for each output in the file's metadata."""
    path = f"{folder}/{name}.picture.onnx"
    if name == "ultraface":
        if not ULTRAFACE.exists():
            return None
        title, model, state, initial = "UltraFace, 320×240", onnx.load(ULTRAFACE), {}, {}
    else:
        network = networks.make(name, folder)
        if not network:
            return None
        title, model = network.title, onnx.load(network.path)
        state, initial = network.state, network.initial
        title += " without memory" if state else ""
    graph = model.graph
    for value in [i for i in graph.input if i.name in state]:
        zeros = numpy.zeros_like(initial[value.name])
        graph.initializer.append(onnx.numpy_helper.from_array(zeros, value.name))
        graph.input.remove(value)
    for value in [o for o in graph.output if o.name in state.values()]:
        graph.output.remove(value)
    constants = {t.name for t in graph.initializer}
    (picture,) = (i for i in graph.input if i.name not in constants)
    onnx.helper.set_model_props(model, {o.name: o.name for o in graph.output})
    onnx.save(model, path)
    height, width = (d.dim_value for d in picture.type.tensor_type.shape.dim[2:])
    return title, path, height, width


def contestants(path):
    """(element, what is set) → its part of the pipeline."""
    found = {("onnxinference", level):
             f"onnxinference model-file={path} input-image-format=chw input-tensor-scale=255 "
             f"optimization-level={level}" for level in LEVELS}
    found.update({(report.OURS, precision): f"convrnn model={path} precision={precision}"
                  for precision in PRECISIONS})
    return found


def run(source, element, *tensors):
    command = [sys.executable, HERE / "pipeline_run.py", source, element, *tensors]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line and NOISE not in line]
        raise SystemExit(f"{source} ! {element}: " + "\n".join(lines[-10:]))
    return json.loads(result.stdout)


def check(title, source, everybody, folder):
    """Those that compute as asked, after their results on the last of a few frames were compared with
    onnxinference's without optimisation; and whose versions they are."""
    able, reference, versions = {}, None, {}
    for who, element in everybody.items():
        file = f"{folder}/tensors.npz"
        found = run(source.format(CHECKED_FRAMES), element, file)
        if who[0] == report.OURS and found["precision"] != who[1]:
            continue  # the processor lacks it
        with numpy.load(file) as loaded:
            tensors = {name: loaded[name] for name in loaded.files}
        reference = reference or tensors
        worst = contest.difference(tensors, reference)
        if not worst <= contest.TOLERANCE.get(who[1], contest.TOLERANCE["fp32"]):
            raise SystemExit(f"{title}: {' '.join(who)}: results are {worst:.1e} off")
        able[who] = element
        versions.update({key: found[key] for key in ("gstreamer", "onnxruntime") if found[key]})
    return able, versions


def frames_for(source, element):
    seconds = run(source.format(FEWEST), element)["seconds"]
    return max(FEWEST, min(MOST, int(SECONDS / seconds)))


def measure(source, everybody, rounds):
    """(element, what is set) → its runs in the order of rounds, each begun by another."""
    counts = {who: frames_for(source, element) for who, element in everybody.items()}
    names, found = list(everybody), {who: [] for who in everybody}
    for i in range(rounds):
        for who in names[i % len(names):] + names[: i % len(names)]:
            found[who].append(run(source.format(counts[who]), everybody[who]))
    return found


def median(runs, key):
    return statistics.median(r[key] for r in runs)


def table(rows):
    """Frames per second and, after the stroke, milliseconds of processor time per frame."""
    everybody = list(dict.fromkeys(who for _, found in rows for who in found))
    header = ["frames per second / CPU ms per frame", *(" ".join(who) for who in everybody)]
    body = []
    for title, found in rows:
        cells = [f"{1 / median(found[who], 'seconds'):.1f} / {median(found[who], 'busy') * 1e3:.2f}"
                 if who in found else "–" for who in everybody]
        body.append([title, *cells])
    base = ("onnxinference", LEVELS[-1])
    ours = [who for who in everybody if who[0] == report.OURS]
    ratios = []
    for title, found in rows:
        cells = [f"{median(found[base], 'seconds') / median(found[who], 'seconds'):.2f}"
                 if who in found else "–" for who in ours]
        ratios.append([title, *cells])
    return "\n".join([report.table(header, body), "", report.table(
        [f"times faster than {' '.join(base)}", *(precision for _, precision in ours)], ratios)])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("network", nargs="*", help="; ".join(NAMES))
    options = parser.parse_args()
    if not has_upstream():
        print("skipped: there is no element onnxinference (GStreamer 1.26, plugins-bad, built with "
              "ONNX Runtime; in Debian from trixie on)", file=sys.stderr)
        return SKIP
    os.environ["GST_PLUGIN_PATH_1_0"] = str(pathlib.Path(options.build).resolve() / "gst/convrnn")
    load_before, rows = report.load(), []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GST_REGISTRY"] = f"{folder}/registry.bin"
        for name in options.network or NAMES:
            made = picture_network(name, folder)
            if not made:
                print(f"{name}: left out: its data is not here", file=sys.stderr)
                continue
            title, path, height, width = made
            source = SOURCE.format("{}", width, height)
            able, versions = check(title, source, contestants(path), folder)
            rows.append((title, measure(source, able, options.rounds)))
            print(f"{title}: " + ", ".join(f"{' '.join(who)} {1 / median(runs, 'seconds'):.1f}"
                                           for who, runs in rows[-1][1].items()),
                  file=sys.stderr, flush=True)
    text = [f"Machine: {report.machine()}; load before the run: {load_before:.1f}. GStreamer "
            f"{versions['gstreamer']}, ONNX Runtime {versions['onnxruntime']} in onnxinference.",
            "", table(rows)]
    text = "\n".join(text)
    print(text)
    if options.write:
        report.replace("upstream", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
