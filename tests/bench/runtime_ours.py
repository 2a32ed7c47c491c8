# SPDX-License-Identifier: LGPL-2.1-or-later
"""This library as one of those compared. Its helper threads sleep whenever no step runs."""

import os

import library
import onnx

NAME = "convrnn"
PRECISIONS = ("fp32", "bf16x3", "bf16", "int8")
RECURRENT = {"LSTM", "GRU", "RNN"}
_library = None


def _load():
    global _library
    _library = _library or library.Library(os.environ["CONVRNN_LIBRARY"])
    return _library


def version():
    return f"kernels: {_load().cpu_level()}"


class Runner:
    def __init__(self, network, precision, threads):
        operators = {node.op_type for node in onnx.load(network.path).graph.node}
        if precision == "int8" and not operators & RECURRENT:
            raise NotImplementedError("it has no dense recurrent layer: int8 is bf16 there")
        given = set(network.state.values())
        self.session = library.Session(_load(), network.path, network.state, precision, threads)
        if not self.session.outputs:  # a cell by itself: its state is what it is for
            self.session.close()
            self.session = library.Session(_load(), network.path, network.state, precision, threads,
                                           sorted(given))
        stats = self.session.stats()
        if library.PRECISIONS[stats.precision] != precision:
            raise NotImplementedError(f"{precision} needs instructions that are not here")
        self.macs = stats.macs

    def put(self, inputs):
        self.session.put(inputs)

    def step(self):
        self.session.step()

    def outputs(self):
        return {name: x.copy() for name, x in self.session.outputs.items()}

    def close(self):
        self.session.close()
