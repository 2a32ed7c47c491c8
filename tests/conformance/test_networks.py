# SPDX-License-Identifier: LGPL-2.1-or-later
"""Published networks against what another runtime computed.

    test_networks.py FOLDER NETWORK

FOLDER holds the networks with their test vectors; they are not part of the source. Where it, or a
file in it, is missing, the test is skipped and says so. CONVRNN_TOOL is the convrnn command.
"""

import filecmp
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import npy_bytes as npy  # noqa: E402

SKIP = 77
THREADS = (1, 2, 3)


def skip(why):
    print("SKIPPED: " + why)
    sys.exit(SKIP)


def fail(what):
    print("FAIL: " + what)
    sys.exit(1)


def tool(*arguments):
    return subprocess.run(
        [os.environ["CONVRNN_TOOL"], *arguments], capture_output=True, encoding="utf-8"
    )


def load_spec(path):
    """The spec; skips when a file that it needs is not there."""
    if not os.path.exists(path):
        skip("there is no " + path)
    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    folder = os.path.dirname(path)
    for name in [spec["model"], *(f for step in spec["steps"] for f in step.values())]:
        if not os.path.exists(os.path.join(folder, name)):
            skip("there is no " + os.path.join(folder, name))
    return spec


def run(path, output, *options):
    result = tool("run", "--spec", path, "--output", output, *options)
    print(result.stdout + result.stderr, end="")
    return result


def same_files(a, b):
    names = sorted(os.listdir(a))
    _, differ, errors = filecmp.cmpfiles(a, b, names, shallow=False)
    return names == sorted(os.listdir(b)) and not differ and not errors


def check(path, folder):
    """Compares with the references; then every number of threads must give the same bytes."""
    load_spec(path)
    for threads in THREADS:
        output = os.path.join(folder, str(threads))
        options = ["--check"] if threads == THREADS[0] else []
        result = run(path, output, "--threads=%d" % threads, *options)
        if result.returncode != 0:
            fail("%s with %d threads" % (path, threads))
        if not same_files(os.path.join(folder, str(THREADS[0])), output):
            fail("%d threads give other bytes than one" % threads)
    return os.path.join(folder, str(THREADS[0]))


def output_files(folder, output, n):
    return [npy.read(os.path.join(folder, "%03d_%s.npy" % (i, output))) for i in range(n)]


def firenet(data, folder):
    check(os.path.join(data, "firenet/ref/spec.json"), folder)


def sweatynet(data, folder):
    """The heat-map, at a quarter of the picture's size, peaks at the published ball."""
    path = os.path.join(data, "sweatynet/ref/spec.json")
    spec = load_spec(path)
    output = check(path, folder)
    maps = output_files(output, "heatmap", len(spec["steps"]))
    for (shape, values), (x, y) in zip(maps, spec["expected_ball_xy"]):
        row, column = divmod(max(range(len(values)), key=values.__getitem__), shape[3])
        print("peak at (%d, %d), ball at (%.0f, %.0f)" % (4 * column, 4 * row, x, y))
        if abs(4 * column - x) > 8 or abs(4 * row - y) > 8:
            fail("the peak is more than 8 pixels off")


def rvm(data, folder):
    """Also: without its state, the network's alpha changes by more than 0.1 somewhere."""
    path = os.path.join(data, "rvm/ref_256x192/spec.json")
    n = len(load_spec(path)["steps"])
    carried = check(path, folder)
    stateless = os.path.join(folder, "stateless")
    if run(path, stateless, "--state=none").returncode != 0:
        fail("--state none")
    largest = 0
    for (_, a), (_, b) in zip(output_files(carried, "pha", n), output_files(stateless, "pha", n)):
        largest = max(largest, max(abs(x - y) for x, y in zip(a, b)))
    print("without the state, pha changes by up to %.3f" % largest)
    if largest <= 0.1:
        fail("the state has no effect")


def crnn(data, folder):
    """The best path through the output reads the words in the pictures. Spaces are left out: where
    two stand in a picture, this network finds only the first, in any runtime."""
    path = os.path.join(data, "crnn/ref/spec.json")
    spec = load_spec(path)
    with open(os.path.join(data, "crnn/en_dict.txt"), encoding="utf-8") as file:
        letters = [None] + file.read().split("\n")[:-1] + [" "]
    output = check(path, folder)
    steps = output_files(output, "save_infer_model_scale_0.tmp_1", len(spec["steps"]))
    for ((_, columns, classes), values), word in zip(steps, spec["words"]):
        best = [max(range(classes), key=lambda k: values[c * classes + k]) for c in range(columns)]
        read = "".join(letters[k] for i, k in enumerate(best) if k and (i == 0 or k != best[i - 1]))
        print("reads %r" % read)
        if read.replace(" ", "") != word.replace(" ", ""):
            fail("expected %r" % word)


def me_rppg(data, folder):
    """All states as their tolerance says; the pulse over the sequence. One number per step, it
    is what is left after much has cancelled: an input that differs by half a unit in the last place
    moves it by 5e-5 in the other runtime as well, and it passes through zero."""
    path = os.path.join(data, "me-rppg/ref/spec.json")
    spec = load_spec(path)
    one, three = os.path.join(folder, "1"), os.path.join(folder, "3")
    result = run(path, one, "--check", "--threads=1")
    if result.returncode == 2:
        fail("it does not run")
    if any(
        "MISMATCH" in line and line.split(":")[0] != "2241" for line in result.stdout.split("\n")
    ):
        fail("a state differs")
    n = len(spec["steps"])
    expected = output_files(os.path.join(os.path.dirname(path), "out"), "2241", n)
    pulse = [values[0] for _, values in output_files(one, "2241", n)]
    reference = [values[0] for _, values in expected]
    difference = max(abs(a - b) for a, b in zip(pulse, reference))
    print("pulse: largest difference %.2g of %.2g" % (difference, max(map(abs, reference))))
    if difference > spec["tolerance"]["*"] * max(map(abs, reference)):
        fail("the pulse differs")
    if run(path, three, "--threads=3").returncode != 0 or not same_files(one, three):
        fail("three threads give other bytes than one")


def cnn(name):
    return lambda data, folder: check(os.path.join(data, "cnn", "ref_" + name, "spec.json"), folder)


CUSTOM_NODES = (
    ("DecodeImage", "com.microsoft.extensions", "pre_process_0"),
    ("EncodeImage", "com.microsoft.extensions", "post_process_52"),
)


def custom_operators(data, folder):
    """Refused with a message that names operator, domain and node."""
    path = os.path.join(data, "cnn/ort_superresolution_op18_customops.onnx")
    if not os.path.exists(path):
        skip("there is no " + path)
    result = tool("inspect", path)
    print(result.stdout + result.stderr, end="")
    if result.returncode != 2:
        fail("exit code %d, expected 2" % result.returncode)
    if not any(all(word in result.stderr for word in words) for words in CUSTOM_NODES):
        fail("the message names no operator with its domain and node")


NETWORKS = {
    "firenet": firenet,
    "sweatynet": sweatynet,
    "rvm": rvm,
    "crnn": crnn,
    "me-rppg": me_rppg,
    "ultraface": cnn("ultraface"),
    "mnist": cnn("mnist"),
    "ppocr-cls": cnn("ppocr_cls"),
    "custom-operators": custom_operators,
}


def main():
    data, name = sys.argv[1:]
    if not os.path.isdir(data):
        skip("there is no folder " + data)
    with tempfile.TemporaryDirectory() as folder:
        NETWORKS[name](data, folder)


if __name__ == "__main__":
    main()
