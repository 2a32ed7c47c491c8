# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads and writes .npy files with nothing but the standard library."""

import array
import ast
import struct

CODES = {"<f4": "f", "<f8": "d", "<i8": "q", "<i4": "i", "|u1": "B", "|b1": "B"}


def write(path, shape, values, descr="<f4", fortran=False):
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, tuple(shape))
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(array.array(CODES[descr], values).tobytes())


def read(path):
    """Shape and elements."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    end = 10 + struct.unpack_from("<H", data, 8)[0]
    header = ast.literal_eval(data[10:end].decode())
    assert not header["fortran_order"]
    values = array.array(CODES[header["descr"]])
    values.frombytes(data[end:])
    return header["shape"], values
