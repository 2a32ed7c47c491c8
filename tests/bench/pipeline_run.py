#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One pipeline, in a process of its own; for upstream.py:

    python3 tests/bench/pipeline_run.py SOURCE ELEMENT [TENSORS.npz]

SOURCE, which ends by itself, and ELEMENT are in the syntax of gst-launch-1.0. Prints, as JSON, the
seconds by the clock and of processor time that each frame took after the first few, the precision that
a convrnn element computes in, and the versions of GStreamer and of ONNX Runtime where it is used. With
TENSORS.npz, the last frame's results go there instead.
"""

import json
import pathlib
import re
import resource
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

WARM_UP = 5  # frames


def convrnn_tensors(buffer):
    """What convrnn added to a buffer: name → array; None without it."""
    import numpy

    meta = buffer.get_custom_meta("GstConvRnnMeta")
    if not meta:
        return None
    fields = meta.get_structure()
    found = {}
    for i in range(fields.get_uint("n-tensors")[1]):
        name, dtype = (fields.get_string(f"tensor-{i}-{field}") for field in ("name", "dtype"))
        found[name] = numpy.frombuffer(fields.get_value(f"tensor-{i}-data").get_data(), dtype).copy()
    return found


def upstream_tensors(buffer):
    """What GStreamer's own inference elements add, all of it float32: id → array; None without it."""
    import numpy

    gi.require_version("GstAnalytics", "1.0")
    from gi.repository import GstAnalytics

    meta = GstAnalytics.buffer_get_tensor_meta(buffer)
    if not meta:
        return None
    found = {}
    for i in range(meta.num_tensors):
        tensor = meta.get(i)
        data = tensor.data.extract_dup(0, tensor.data.get_size())
        found[GLib.quark_to_string(tensor.id)] = numpy.frombuffer(data, numpy.float32)
    return found


def now():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), usage.ru_utime + usage.ru_stime


def onnxruntime_version():
    """Of the library in this process; None without it."""
    maps = pathlib.Path("/proc/self/maps").read_text()
    found = re.search(r"libonnxruntime\.so\.([\d.]+)", maps)
    return found and found[1]


class Run:
    """After the first frames, which start the clock, nothing here looks at a frame any more, unless
    their tensors are wanted."""

    def __init__(self, source, element, tensors):
        self.pipeline = Gst.parse_launch(f"{source} ! {element} name=element ! "
                                         "fakesink name=end sync=false")
        self.frames, self.begin, self.end, self.tensors = 0, None, None, None
        pad = self.pipeline.get_by_name("end").get_static_pad("sink")
        pad.add_probe(Gst.PadProbeType.BUFFER, self._look if tensors else self._count)
        pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._event)

    def _look(self, _, info):
        buffer = info.get_buffer()
        self.tensors = convrnn_tensors(buffer) or upstream_tensors(buffer)
        return Gst.PadProbeReturn.OK

    def _count(self, _, info):
        self.frames += 1
        if self.frames < WARM_UP:
            return Gst.PadProbeReturn.OK
        self.begin = now()
        return Gst.PadProbeReturn.REMOVE

    def _event(self, _, info):
        if info.get_event().type == Gst.EventType.EOS:
            self.end = now()
        return Gst.PadProbeReturn.OK

    def play(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        message = self.pipeline.get_bus().timed_pop_filtered(
            Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        if message.type == Gst.MessageType.ERROR:
            raise SystemExit(": ".join(str(part) for part in message.parse_error()))

    def precision(self):
        element = self.pipeline.get_by_name("element")
        if not element.find_property("stats"):
            return None
        return element.get_property("stats").get_string("precision")


def main():
    source, element, *tensors = sys.argv[1:]
    Gst.init(None)
    try:
        run = Run(source, element, bool(tensors))
    except GLib.Error as error:
        raise SystemExit(error.message) from None
    run.play()
    found = {"precision": run.precision(), "gstreamer": Gst.version_string().split()[-1],
             "onnxruntime": onnxruntime_version()}
    if tensors:
        import numpy

        if run.tensors is None:
            raise SystemExit(f"{element}: there is no result on the last frame")
        numpy.savez(tensors[0], **run.tensors)
    else:
        frames = int(re.search(r"num-buffers=(\d+)", source)[1]) - WARM_UP
        found["seconds"], found["busy"] = ((b - a) / frames for a, b in zip(run.begin, run.end))
    print(json.dumps(found))
    run.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
