# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random networks in PyTorch, exported to ONNX, against `convrnn run`.

    test_torch.py [--seed N] [--count N] [--keep FOLDER]

Each network runs several steps with its state carried; the reference is computed by PyTorch in
double precision. A network is the same on every run: it depends on its seed only. CONVRNN_TOOL is
the convrnn command. Skipped, loudly, where no Python has PyTorch.
"""

import argparse
import copy
import filecmp
import inspect
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

from interpreter import need

need("numpy", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch_layers as layers  # noqa: E402

OPSETS = (9, 10, 11, 12, 13, 14, 16, 17)
STEPS = 4
# As in docs/test-vectors.md; a difference whose rms is below LEAST_RMS is none.
LIMIT = 1e-4
LEAST_RMS = 1e-7
# PyTorch ≥ 2.5 has a second exporter, which needs more packages.
EXPORTER = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}


def build(rng):
    """A network and the shape of its input."""
    c_in = rng.choice((1, 3, 17))
    height, width = rng.randint(5, 37), rng.randint(5, 37)
    kind = rng.choice(["feed-forward"] * 4 + ["convolutional cells"] * 3 + ["columns", "stream"])
    if kind == "feed-forward":
        net = layers.FeedForward(rng, c_in, rng.randint(2, 6), rng.random() < 0.4)
    elif kind == "convolutional cells":
        net = layers.ConvRecurrent(rng, c_in, height, width)
    elif kind == "columns":
        net = layers.Columns(rng, c_in, height)
    else:
        net = layers.Stream(rng, c_in)
    return kind, net.eval(), (1, c_in, height, width)


def build_working(rng):
    """The random layers may leave nothing of the picture: then another network is drawn."""
    while True:
        kind, net, shape = build(rng)
        try:
            with torch.no_grad():
                net(torch.randn(shape), *[torch.zeros(s) for s in net.states])
            return kind, net, shape
        except (RuntimeError, IndexError):
            continue


def export(net, shape, path, opset):
    names = ["s%d" % i for i in range(len(net.states))]
    inputs = (torch.randn(shape), *[torch.zeros(s) for s in net.states])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            inputs,
            path,
            opset_version=opset,
            input_names=["x", *[n + "_in" for n in names]],
            output_names=["y", *[n + "_out" for n in names]],
            **EXPORTER
        )
    return names


def export_any(net, shape, path, opset):
    """The exporter knows some operators only in newer opsets."""
    for version in [max(opset, layers.min_opset(net)), *OPSETS[::-1]]:
        try:
            return version, export(net, shape, path, version)
        except (torch.onnx.errors.OnnxExporterError, RuntimeError):
            continue
    raise RuntimeError("PyTorch cannot export this network")


def write_vector(net, shape, names, folder):
    """Inputs and what PyTorch makes of them in double precision."""
    exact = copy.deepcopy(net).double()
    states = [torch.zeros(s, dtype=torch.double) for s in net.states]
    spec = {
        "model": "model.onnx",
        "out": "out",
        "tolerance": {},
        "state": {n + "_in": n + "_out" for n in names},
        "init": {n + "_in": {"shape": list(s)} for n, s in zip(names, net.states)},
        "steps": [],
    }
    os.mkdir(os.path.join(folder, "out"))
    for step in range(STEPS if net.states else 2):
        x = torch.randn(shape)
        with torch.no_grad():
            result = exact(x.double(), *states)
        y, *states = result if isinstance(result, tuple) else (result,)
        np.save(os.path.join(folder, "x%d.npy" % step), x.numpy())
        for name, value in [("y", y), *zip([n + "_out" for n in names], states)]:
            np.save(
                os.path.join(folder, "out", "%03d_%s.npy" % (step, name)), value.float().numpy()
            )
            # What is small has lost digits to cancellation on its way.
            rms = float(value.square().mean().sqrt())
            spec["tolerance"][name] = max(
                spec["tolerance"].get(name, 0), LIMIT, LEAST_RMS * 10 / rms if rms else 0
            )
        spec["steps"].append({"x": "x%d.npy" % step})
    with open(os.path.join(folder, "spec.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file, indent=1)


def run_tool(folder, *options):
    command = [
        os.environ["CONVRNN_TOOL"],
        "run",
        "--spec",
        os.path.join(folder, "spec.json"),
        "--check",
    ]
    return subprocess.run(command + list(options), capture_output=True, encoding="utf-8")


def same_files(a, b):
    names = sorted(os.listdir(a))
    return names == sorted(os.listdir(b)) and not any(
        filecmp.cmpfiles(a, b, names, shallow=False)[1:]
    )


def test_network(seed, folder):
    """True when the best and the portable kernels agree with PyTorch, and the number of threads
    changes no byte."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    kind, net, shape = build_working(rng)
    opset, names = export_any(net, shape, os.path.join(folder, "model.onnx"), rng.choice(OPSETS))
    write_vector(net, shape, names, folder)
    good = True
    one, three = os.path.join(folder, "1"), os.path.join(folder, "3")
    for options in (
        ["--threads=1", "--output=" + one],
        ["--threads=3", "--output=" + three],
        ["--cpu=c"],
    ):
        result = run_tool(folder, *options)
        if result.returncode != 0:
            print(
                "seed %d, %s, opset %d, %s:\n%s%s"
                % (seed, kind, opset, " ".join(options), result.stdout, result.stderr)
            )
            good = False
    if good and not same_files(one, three):
        print("seed %d, %s: three threads give other bytes than one" % (seed, kind))
        good = False
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--keep", help="folder that keeps the test vectors, by seed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    failed = []
    for seed in range(options.seed, options.seed + options.count):
        with tempfile.TemporaryDirectory() as temporary:
            folder = temporary
            if options.keep:
                folder = os.path.join(options.keep, str(seed))
                os.makedirs(folder)
            if not test_network(seed, folder):
                failed.append(seed)
    print(
        "PyTorch %s: %d passed, %d failed, 0 skipped%s"
        % (
            torch.__version__,
            options.count - len(failed),
            len(failed),
            "; seeds " + str(failed) if failed else "",
        )
    )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
