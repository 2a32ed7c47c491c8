#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may include whom: python3 layers.py SOURCE-ROOT

Reads every #include in lib/ and gst/ and compares it with the table below, which says the same as
docs/design.md. Prints TAP.
"""

import pathlib
import re
import sys

# A folder of lib/ and the folders of lib/ whose headers it may include. `convrnn` are the public headers.
LAYERS = {
    "convrnn": {"convrnn"},
    "core": {"core", "convrnn"},
    "kernels": {"kernels", "core"},
    "model": {"model", "core", "convrnn"},
    "onnx": {"onnx", "model", "core", "convrnn"},
    "ops": {"ops", "model", "kernels", "core", "convrnn"},
    "optimize": {"optimize", "ops", "kernels", "model", "core", "convrnn"},
    "runtime": {"runtime", "onnx", "optimize", "ops", "model", "kernels", "core", "convrnn"},
    "npy": {"npy", "convrnn"},
    "tools": {"tools", "npy", "convrnn"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
# The functions of the C library that take memory: kernels get theirs from the plan.
ALLOCATES = re.compile(r"\b(?:malloc|calloc|realloc|aligned_alloc|posix_memalign|g_new0?|g_malloc0?)\s*\(")


def sources(folder):
    for pattern in ("*.c", "*.h", "*.def"):
        yield from sorted(folder.rglob(pattern))


def lib_problems(root, path):
    layer = path.relative_to(root / "lib").parts[0]
    if layer not in LAYERS:
        yield f"the folder lib/{layer} has no row in the table of tests/tree/layers.py"
        return
    text = path.read_text(encoding="utf-8")
    for quote, name in INCLUDE.findall(text):
        target = name.split("/")[0]
        if "/" in name and target in LAYERS:
            if target not in LAYERS[layer]:
                yield f"{layer} must not include {name}"
        elif "/" not in name and quote == '"' and not (path.parent / name).exists():
            # config headers of the build are the one kind of header that lies in no folder
            if name != "config.h":
                yield f"{name} is neither beside the file nor named by its folder"
        if name == "cblas.h" and path.name != "gemm.c":
            yield "only kernels/gemm.c calls OpenBLAS"
        if layer == "kernels" and (name == "glib.h" or name.startswith(("glib", "gst/"))):
            yield f"kernels know no GLib ({name})"
        if layer != "tools" and name.startswith("gst/"):
            yield f"the library knows no GStreamer ({name})"
    if layer == "kernels" and ALLOCATES.search(text):
        yield f"kernels take no memory ({ALLOCATES.search(text).group()}…)"


def gst_problems(root, path):
    for quote, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        target = name.split("/")[0]
        if target in LAYERS and target not in {"convrnn", "npy"} and not (path.parent / name).exists():
            yield f"the elements use public headers only ({name})"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    checks = [("lib", lib_problems), ("gst", gst_problems)]
    print(f"1..{len(checks)}")
    failed = False
    for number, (folder, problems) in enumerate(checks, 1):
        found = []
        files = list(sources(root / folder))
        for path in files:
            found += [f"{path.relative_to(root)}: {problem}" for problem in problems(root, path)]
        good = files and not found
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - the {len(files)} files of {folder}/ include what they may")
        for line in found:
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
