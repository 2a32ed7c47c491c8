# SPDX-License-Identifier: LGPL-2.1-or-later
"""libconvrnn from Python: a session of a network, its outputs and its state as numpy arrays."""

import ctypes

import numpy

PRECISIONS = ("fp32", "bf16x3", "bf16", "auto", "double", "int8")
MAX_RANK = 8
DTYPES = {1: numpy.float32, 7: numpy.int64, 9: numpy.bool_, 11: numpy.float64, 2: numpy.uint8,
          6: numpy.int32}


class _Error(ctypes.Structure):
    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", ctypes.c_char_p)]


class _Info(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("n_dims", ctypes.c_uint),
                ("dims", ctypes.c_int64 * MAX_RANK)]

    @property
    def shape(self):
        return tuple(self.dims[: self.n_dims])


class Stats(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_uint64) for name in
                  ("macs", "parameters", "weight_bytes", "arena_bytes", "state_bytes")),
                ("threads", ctypes.c_uint), ("precision", ctypes.c_int),
                ("restarted_nodes", ctypes.c_uint)]


def _array(pointer, info):
    dtype = numpy.dtype(DTYPES[info.dtype])
    count = int(numpy.prod(info.shape, dtype=numpy.int64))
    buffer = (ctypes.c_char * (count * dtype.itemsize)).from_address(pointer)
    return numpy.frombuffer(buffer, dtype).reshape(info.shape)


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        info, pointer = ctypes.POINTER(_Info), ctypes.c_void_p
        for name, result in {"model_load": pointer, "session_config_new": pointer,
                             "session_new": pointer, "session_get_input": info,
                             "session_get_output": info, "session_get_state": info,
                             "session_get_input_data": pointer,
                             "session_get_output_data": pointer, "session_save_state": pointer,
                             "cpu_get_level": ctypes.c_char_p}.items():
            getattr(self.c, "convrnn_" + name).restype = result
        self.c.g_bytes_get_data.restype = pointer

    def call(self, name, *arguments):
        """A function that takes a GError** last; its message becomes an exception."""
        error = ctypes.POINTER(_Error)()
        result = getattr(self.c, "convrnn_" + name)(*arguments, ctypes.byref(error))
        if not result:
            raise RuntimeError(error.contents.message.decode())
        return ctypes.c_void_p(result)

    def cpu_level(self):
        return self.c.convrnn_cpu_get_level().decode()


class Session:
    """state: input → output; outputs: those to make readable, all that are no state by default."""

    def __init__(self, library, path, state, precision="fp32", threads=1, outputs=None):
        self.c, self.library = library.c, library
        model = library.call("model_load", path.encode())
        config = ctypes.c_void_p(self.c.convrnn_session_config_new())
        self.c.convrnn_session_config_set_threads(config, threads)
        self.c.convrnn_session_config_set_precision(config, PRECISIONS.index(precision))
        for taken, given in state.items():
            self.c.convrnn_session_config_add_state(config, taken.encode(), given.encode())
        if outputs:
            names = (ctypes.c_char_p * (len(outputs) + 1))(*(o.encode() for o in outputs), None)
            self.c.convrnn_session_config_set_outputs(config, names)
        self.session = library.call("session_new", model, config)
        self.c.convrnn_session_config_free(config)
        self.c.convrnn_model_unref(model)
        self.inputs = self._arrays("input")
        self.outputs = self._arrays("output")

    def _arrays(self, kind):
        found = {}
        for i in range(getattr(self.c, f"convrnn_session_get_n_{kind}s")(self.session)):
            info = getattr(self.c, f"convrnn_session_get_{kind}")(self.session, i).contents
            data = getattr(self.c, f"convrnn_session_get_{kind}_data")(self.session, i)
            found[info.name.decode()] = _array(data, info)
        return found

    def put(self, inputs):
        """What the next step gets, copied into the session's own memory."""
        for name, x in inputs.items():
            numpy.copyto(self.inputs[name], x)

    def step(self):
        """Afterwards self.outputs hold the results, until the next step."""
        if self.c.convrnn_session_step(self.session):
            raise RuntimeError("the state became infinite or NaN and was reset")

    def stats(self):
        stats = Stats()
        self.c.convrnn_session_get_stats(self.session, ctypes.byref(stats))
        return stats

    def close(self):
        self.c.convrnn_session_free(self.session)
