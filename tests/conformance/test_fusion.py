# SPDX-License-Identifier: LGPL-2.1-or-later
"""Published networks: which cells they are recognised to have, and whether fusion changes numbers.

    test_fusion.py DATA MODELS NETWORK

DATA is the folder of networks, MODELS that of this project's own. Skipped, loudly, when the
network is not there.
"""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import npy_bytes as npy  # noqa: E402

SKIP = 77
TOOL = os.environ["CONVRNN_TOOL"]
LIMIT = 1e-6  # of an output's range


def gru(channels):
    return {"kind": "ConvGRU", "channels": channels, "reset": "before", "z": "replaces"}


def lstm(channels):
    return {"kind": "ConvLSTM", "channels": channels, "peepholes": False, "coupled": False}


# Test vector, options that bind the network, and its cells by their first states.
NETWORKS = {
    "firenet": (
        "firenet/ref/spec.json",
        [],
        {"prev_state_1": gru(16), "prev_state_2": gru(16)},
    ),
    "sweatynet": (
        "sweatynet/ref/spec.json",
        ["--size", "640x352"],
        {"h0_in": lstm(32), "h1_in": lstm(16), "h2_in": lstm(1)},
    ),
    "rvm": (
        "rvm/ref_256x192/spec.json",
        ["--size", "256x192", "--constant", "downsample_ratio=1"],
        {"r1i": gru(16), "r2i": gru(20), "r3i": gru(40), "r4i": gru(64)},
    ),
    "me-rppg": ("me-rppg/ref/spec.json", None, None),
    "motion": ("motion/check/spec.json", [], {"h_in": {"kind": "ConvGRU", "z": "keeps"}}),
}


def tool(*arguments):
    return subprocess.run([TOOL, *arguments], check=True, capture_output=True, text=True).stdout


def check_cells(model, options, expected):
    report = json.loads(tool("inspect", "--json", model, *options))
    cells = report["cells"]
    # Gates of 16 channels that the file computes apart are merged where registers have 16 lanes.
    gru_steps = (2,) if report["kernels"] in ("avx512", "amx") else (2, 3)
    found = {cell["states"][0]: cell for cell in cells}
    assert found.keys() == expected.keys(), (list(found), list(expected))
    for state, cell in found.items():
        print("%s: %s" % (state, cell["description"]))
        for key, value in expected[state].items():
            assert value is None or cell[key] == value, (state, key, cell[key], value)
        assert cell["kernel"] == [3, 3], cell["kernel"]
        assert cell["fused"], (state, cell["steps"])
        steps = (1,) if cell["kind"] == "ConvLSTM" else gru_steps
        assert len(cell["steps"]) in steps, cell["steps"]


def check_numbers(spec):
    with tempfile.TemporaryDirectory() as folder:
        fused, unfused = os.path.join(folder, "fused"), os.path.join(folder, "unfused")
        tool("run", "--spec", spec, "-o", fused)
        tool("run", "--spec", spec, "--no-fuse", "-o", unfused)
        names = sorted(os.listdir(fused))
        assert names and names == sorted(os.listdir(unfused))
        worst = 0
        for name in names:
            a, b = (npy.read(os.path.join(at, name))[1] for at in (fused, unfused))
            scale = max(map(abs, a), default=0)
            error = max((abs(x - y) for x, y in zip(a, b)), default=0)
            assert error <= LIMIT * scale, (name, error, scale)
            worst = max(worst, error / scale if scale else 0)
        print("%d tensors, largest difference without fusion %g of range" % (len(names), worst))


def main():
    data, models, name = sys.argv[1:]
    spec, options, expected = NETWORKS[name]
    spec = os.path.join(models if name == "motion" else data, spec)
    if not os.path.exists(spec):
        print("SKIPPED: no %s" % spec)
        sys.exit(SKIP)
    if expected:
        with open(spec) as file:
            model = os.path.join(os.path.dirname(spec), json.load(file)["model"])
        check_cells(model, options, expected)
    check_numbers(spec)


if __name__ == "__main__":
    main()
