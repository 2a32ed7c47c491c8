#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors of every precision against double precision, as PyTorch computes it from the same file:

    python3 tests/bench/accuracy.py --build build --write

A network runs 1,000 steps, here and there, each with its own state. The largest difference and the root
mean square of the worst step are given relative to the range that the tensor has over the whole run.
Then each layer by itself: see layers.py. Networks are smaller than they would be in use, for double
precision is slow. --write puts the table into docs/performance.md.
"""

import argparse
import collections
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # two runtimes' threads take turns

try:
    import layers
    import library
    import networks
    import numpy
    import report
    import runtime_onnxruntime
    import torch
    import torch_graph
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

PRECISIONS = ("fp32", "bf16x3", "bf16")
PEER = "ONNX Runtime fp32"
SHRINK = {"firenet": 4, "sweatynet": 4, "rvm": 4, "me-rppg": 1, "motion": 1}


def scene(network, number):
    """The reference clip forwards and backwards, and one pixel aside each time round: no step is quite
    like another."""
    steps = network.steps
    around = max(2 * len(steps) - 2, 1)
    at = number % around
    step = steps[at if at < len(steps) else around - at]
    return {name: numpy.roll(x, number // around, -1) if x.ndim == 4 else x
            for name, x in step.items()}


class Errors:
    """Of one tensor over a run."""

    def __init__(self):
        self.largest = self.rms = 0.0
        self.low, self.high = float("inf"), -float("inf")

    def add(self, found, reference):
        apart = abs(found - reference)
        self.largest = max(self.largest, float(apart.max()))
        self.rms = max(self.rms, float(numpy.sqrt((apart**2).mean())))
        self.low, self.high = min(self.low, reference.min()), max(self.high, reference.max())

    def relative(self):
        """Largest and rms over the range; a tensor that never changes has the range of its size."""
        span = float(self.high - self.low) or abs(float(self.high)) or 1.0
        return self.largest / span, self.rms / span


class Peer(runtime_onnxruntime.Runner):
    """ONNX Runtime, asked in the way of a session."""

    @property
    def outputs(self):
        return super().outputs()


def run(lib, network, graph, steps):
    """precision → output → Errors."""
    sessions = {p: library.Session(lib, network.path, network.state, p, 0, network.outputs)
                for p in PRECISIONS}
    sessions[PEER] = Peer(network, "fp32", 1)
    state = {name: torch.from_numpy(x) for name, x in network.initial.items()}
    errors = {p: collections.defaultdict(Errors) for p in sessions}
    for number in range(steps):
        inputs = scene(network, number)
        exact = graph({**state, **{name: torch.from_numpy(x) for name, x in inputs.items()}})
        state = {taken: exact[given] for taken, given in network.state.items()}
        for precision, session in sessions.items():
            session.put(inputs)
            session.step()
            for name, x in session.outputs.items():
                errors[precision][name].add(x, exact[name].numpy())
    for session in sessions.values():
        session.close()
    return errors


def worst(errors, names):
    """The worst of some tensors, largest and rms; None where there are none."""
    values = [errors[name].relative() for name in names]
    return tuple(max(v[i] for v in values) for i in (0, 1)) if values else None


def measure(lib, name, steps, folder, show_layers):
    """Lines of the table, one per precision; none where the network is not here."""
    network = networks.make(name, folder, SHRINK[name])
    if not network:
        print(f"{name}: left out: its data is not here", file=sys.stderr)
        return []
    graph = torch_graph.TorchGraph(network.path, torch.float64)
    errors = run(lib, network, graph, steps)
    single = layers.measure(lib, graph, folder, PRECISIONS)
    if show_layers:
        for layer, kind, each in single:
            values = ", ".join(f"{p} {e:.1e}" for p, e in each.items())
            print(f"{name} {kind} {layer}: {values}")
    states = set(network.state.values())
    sizes = "×".join(str(n) for n in next(iter(network.steps[0].values())).shape)
    rows = []
    for precision in (*PRECISIONS, PEER):
        cells = [f"{network.title.split(',')[0]} ({sizes})", precision]
        for names in (states, set(network.outputs) - states):
            found = worst(errors[precision], names)
            cells += [f"{value:.1e}" for value in found] if found else ["–", "–"]
        alone = max((each[precision] for _, _, each in single if precision in each), default=None)
        cells.append("–" if alone is None else f"{alone:.1e}")
        rows.append(cells)
        print(" ".join(cells), file=sys.stderr, flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="10 steps: does it work at all?")
    parser.add_argument("--layers", action="store_true", help="every layer's error, too")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("network", nargs="*", help="; ".join(SHRINK))
    options = parser.parse_args()
    lib = library.Library(str(pathlib.Path(options.build).resolve() / "lib/libconvrnn-1.0.so"))
    steps, rows = 10 if options.quick else options.steps, []
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for name in options.network or SHRINK:
            rows += measure(lib, name, steps, folder, options.layers)
    text = f"{steps} steps; kernels: {lib.cpu_level()}; reference: PyTorch {torch.__version__}.\n\n"
    text += report.table(["network (input)", "precision", "states, largest", "rms",
                          "outputs, largest", "rms", "worst layer"], rows)
    print(text)
    if options.write:
        report.replace("accuracy", text)


if __name__ == "__main__":
    main()
