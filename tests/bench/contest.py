# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each runtime in a process of its own that lives as long as the comparison and works only when it is
asked: what one does cannot disturb the time of another."""

import importlib
import multiprocessing
import time

import numpy

BLOCK = 0.06  # seconds of steps at a time
MOST = 200  # steps in that time
PAUSE = 0.01  # for threads that still spin after a step
# Root mean square of the difference over the reference's largest value.
TOLERANCE = {"fp32": 1e-4, "bf16x3": 1e-4, "bf16": 2e-2, "int8": 2e-2}


def difference(found, reference):
    """The worst output's root mean square difference, relative to the reference's largest value."""
    worst = 0.0
    for name, x in found.items():
        r = reference[name].astype(numpy.float64)
        if x.shape != r.shape:
            raise ValueError(f"{name}: shape {x.shape}, expected {r.shape}")
        scale = abs(r).max() or 1.0
        worst = max(worst, float(numpy.sqrt(((x - r) ** 2).mean()) / scale))
    return worst


class _Worker:
    """What answers in the other process."""

    def __init__(self, module):
        self.module, self.runner, self.steps, self.count = module, None, [], 0

    def load(self, network, precision, threads, references):
        """A fresh runner's first steps against the references; gives the worst difference."""
        self.unload()
        self.runner = self.module.Runner(network, precision, threads)
        self.steps, self.count, worst = network.steps, 0, 0.0
        for reference in references:
            self._put()
            self.runner.step()
            worst = max(worst, difference(self.runner.outputs(), reference))
        return worst, getattr(self.runner, "macs", 0)

    def unload(self):
        if self.runner:
            self.runner.close()
        self.runner = None

    def _put(self):
        self.runner.put(self.steps[self.count % len(self.steps)])
        self.count += 1

    def time(self):
        """Seconds of each of some steps, after one that warms up. Their inputs lie where the runtime
        takes them from before the clock starts."""
        self._put()
        self.runner.step()
        times, end = [], time.perf_counter() + BLOCK
        while len(times) < 2 or (len(times) < MOST and time.perf_counter() < end):
            self._put()
            begin = time.perf_counter()
            self.runner.step()
            times.append(time.perf_counter() - begin)
        return times


def _requests(connection):
    """Until whoever asks has ended."""
    while True:
        try:
            yield connection.recv()
        except EOFError:
            return


def _serve(connection, module):
    try:
        module = importlib.import_module(module)
        worker = _Worker(module)
        connection.send((module.NAME, module.PRECISIONS, module.version()))
    except (ImportError, OSError) as missing:
        connection.send(missing)
        return
    for request in _requests(connection):
        try:
            connection.send(getattr(worker, request[0])(*request[1:]))
        except Exception as error:  # told to whoever asked
            cannot = isinstance(error, NotImplementedError)
            connection.send(error if cannot else RuntimeError(f"{type(error).__name__}: {error}"))


class Process:
    """One network in one precision of one runtime."""

    def __init__(self, module, precision=None):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, module), daemon=True)
        self.process.start()
        theirs.close()
        self.module = module
        self.name, self.precisions, self.version = self._answer()
        self.precision = precision or self.precisions[0]

    def others(self):
        """The runtime's other precisions."""
        return [Process(self.module, precision) for precision in self.precisions[1:]]

    def _answer(self):
        try:
            answer = self.connection.recv()
        except EOFError:
            raise SystemExit(f"{self.module}: its process ended") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, *request):
        self.connection.send(request)
        return self._answer()

    def close(self):
        self.connection.close()
        self.process.join()


def alternate(processes, rounds):
    """Rounds of blocks, each round begun by another process: process → a list of blocks' times."""
    times = {p: [] for p in processes}
    for i in range(rounds):
        turn = i % len(processes)
        for p in processes[turn:] + processes[:turn]:
            time.sleep(PAUSE)
            times[p].append(p.ask("time"))
    return times
