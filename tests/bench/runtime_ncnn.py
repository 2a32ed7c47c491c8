# SPDX-License-Identifier: LGPL-2.1-or-later
"""ncnn, with the network converted by its own pnnx: Winograd, packed layouts, float32 throughout."""

import pathlib
import shutil
import subprocess
import sys

import ncnn
import numpy
import onnx

NAME = "ncnn"
PRECISIONS = ("fp32",)


def version():
    return ncnn.__version__


def _convert(path):
    """name.onnx → name.ncnn.param and name.ncnn.bin in a folder beside it."""
    path = pathlib.Path(path)
    stem = path.stem.replace("-", "_")
    folder = path.parent / (path.stem + ".ncnn")
    if not folder.exists():
        folder.mkdir()
        copy = folder / path.name
        shutil.copy(path, copy)
        pnnx = shutil.which("pnnx") or str(pathlib.Path(sys.executable).parent / "pnnx")
        subprocess.run([pnnx, str(copy), "fp16=0"], cwd=folder, capture_output=True, check=False)
    files = [folder / f"{stem}.ncnn.{kind}" for kind in ("param", "bin")]
    if not all(file.exists() for file in files):
        raise NotImplementedError("pnnx does not convert it")
    return [str(file) for file in files]


class Runner:
    def __init__(self, network, precision, threads):
        param, weights = _convert(network.path)
        self.net = ncnn.Net()
        option = self.net.opt
        option.num_threads = threads
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
        option.use_bf16_storage = False
        option.openmp_blocktime = 0
        self.pools = (ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator())  # memory that stays
        option.blob_allocator, option.workspace_allocator = self.pools
        if self.net.load_param(param) or self.net.load_model(weights):
            raise NotImplementedError("ncnn has no such layer")
        graph = onnx.load(network.path).graph
        constants = {t.name for t in graph.initializer}
        inputs = [i.name for i in graph.input if i.name not in constants]
        self.inputs = {name: f"in{n}" for n, name in enumerate(inputs)}
        self.names = {name: f"out{n}" for n, name in enumerate(network.outputs)}
        self.state = network.state
        self.values = {name: ncnn.Mat(x[0]).clone() for name, x in network.initial.items()}
        self.results = {}

    def put(self, inputs):
        self.values.update((name, ncnn.Mat(x[0]).clone()) for name, x in inputs.items())

    def step(self):
        with self.net.create_extractor() as extractor:
            for name, value in self.values.items():
                extractor.input(self.inputs[name], value)
            for name, blob in self.names.items():
                failed, self.results[name] = extractor.extract(blob)
                if failed:
                    raise NotImplementedError("ncnn does not run it")
        for taken, given in self.state.items():
            self.values[taken] = self.results[given]

    def outputs(self):
        return {name: numpy.array(mat)[None] for name, mat in self.results.items()}

    def close(self):
        self.values = self.results = None  # before the pools, from which their memory is
        self.net = None
