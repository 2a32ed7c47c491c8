# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes small ONNX files with nothing but the standard library."""

import struct

FLOAT, INT64 = 1, 7


def _varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _int(field, n):
    return _varint(field << 3) + _varint(n)


def _bytes(field, data):
    if isinstance(data, str):
        data = data.encode()
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def tensor(name, dims, values, dtype=FLOAT):
    code = {FLOAT: "f", INT64: "q"}[dtype]
    raw = struct.pack("<%d%s" % (len(values), code), *values)
    return b"".join(_int(1, d) for d in dims) + _int(2, dtype) + _bytes(8, name) + _bytes(9, raw)


def _attribute(name, value):
    out = _bytes(1, name)
    if isinstance(value, float):
        return out + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return out + _int(3, value) + _int(20, 2)
    if isinstance(value, str):
        return out + _bytes(4, value) + _int(20, 3)
    if isinstance(value, bytes):
        return out + _bytes(5, value) + _int(20, 4)
    return out + b"".join(_int(8, v) for v in value) + _int(20, 7)


def node(op, inputs, outputs, name="", domain="", **attributes):
    out = b"".join(_bytes(1, i) for i in inputs) + b"".join(_bytes(2, o) for o in outputs)
    out += _bytes(3, name) + _bytes(4, op)
    out += b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items())
    return out + (_bytes(7, domain) if domain else b"")


def value(name, dims, dtype=FLOAT):
    """An input or output; a dimension that is text is open, dims None leaves the shape out."""
    tensor_type = _int(1, dtype)
    if dims is not None:
        shape = b"".join(
            _bytes(1, _bytes(2, d) if isinstance(d, str) else _int(1, d)) for d in dims
        )
        tensor_type += _bytes(2, shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor_type))


def model(nodes, inputs, outputs, initializers=(), opset=13, domains=(), metadata=()):
    graph = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "graph")
    graph += b"".join(_bytes(5, t) for t in initializers)
    graph += b"".join(_bytes(11, i) for i in inputs) + b"".join(_bytes(12, o) for o in outputs)
    out = _int(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _int(2, opset))
    out += b"".join(_bytes(8, _bytes(1, d) + _int(2, 1)) for d in domains)
    return out + b"".join(_bytes(14, _bytes(1, k) + _bytes(2, v)) for k, v in metadata)
