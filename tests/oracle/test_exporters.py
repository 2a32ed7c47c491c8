# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the frameworks' exporters write, against what the frameworks compute.

    test_exporters.py torch|keras [--keep FOLDER] [--only TEXT]

Every kind of module goes through every exporter that is there, and the file through
`convrnn run --check`; the reference is computed by the framework itself. --keep leaves model, test
vector and references of each case in a folder of its own: so the stored ones in tests/exports were
made. CONVRNN_TOOL is the convrnn command. Skipped, loudly, where no Python has the framework.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback

from interpreter import SKIP, need

FAMILIES = {"torch": ("numpy", "torch", "onnx"), "keras": ("numpy", "keras", "tensorflow", "onnx")}
if len(sys.argv) < 2 or sys.argv[1] not in FAMILIES:
    sys.exit(__doc__)
need(*FAMILIES[sys.argv[1]])
import numpy as np  # noqa: E402

LIMIT = 1e-4


def file_name(step, output):
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in output)
    return "%03d_%s.npy" % (step, safe)


def write_vector(folder, case):
    """Spec, inputs and references beside folder/model.onnx, as docs/test-vectors.md has them."""
    spec = {"model": "model.onnx", "out": "out", "steps": [], **case.get("spec", {})}
    for name in ("in", "out"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    for step, (inputs, outputs) in enumerate(zip(case["inputs"], case["outputs"])):
        files = {}
        for name, value in inputs.items():
            files[name] = "in/" + file_name(step, name)
            np.save(os.path.join(folder, files[name]), value)
        for name, value in outputs.items():
            np.save(os.path.join(folder, "out", file_name(step, name)), value)
        spec["steps"].append(files)
    if "modelinfo" in case:
        with open(os.path.join(folder, "model.modelinfo"), "w", encoding="utf-8") as file:
            file.write("[modelinfo]\nversion=1.0\n" + case["modelinfo"])
    with open(os.path.join(folder, "spec.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file, indent=1)
        file.write("\n")


def check(folder):
    """The command's output, and whether everything agrees."""
    result = subprocess.run(
        [os.environ["CONVRNN_TOOL"], "run", "--spec", os.path.join(folder, "spec.json"),
         "--check=%g" % LIMIT],
        capture_output=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    return (result.stdout + result.stderr).strip(), result.returncode == 0


def strip(path):
    """What a stored model does not need: where in whose code a node comes from."""
    import onnx

    def clean(graph):
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
            for attribute in node.attribute:
                clean(attribute.g)
        for value in [*graph.input, *graph.output, *graph.initializer]:
            del value.metadata_props[:]
        del graph.value_info[:], graph.metadata_props[:]
        graph.doc_string = ""

    model = onnx.load(path)
    clean(model.graph)
    for function in model.functions:
        del function.metadata_props[:], function.value_info[:]
        function.doc_string = ""
        for node in function.node:
            del node.metadata_props[:]
    del model.metadata_props[:]
    model.doc_string = ""
    onnx.save(model, path)


def last_line(noise, error):
    text = "".join(traceback.format_exception_only(type(error), error)).strip()
    return text.split("\n")[0][:300] or noise[-300:]


def run_case(name, make, folder, keep):
    """One line about it; what became of it: "ok", "FAIL" or "not exported"."""
    os.makedirs(folder, exist_ok=True)
    noise = io.StringIO()
    try:
        with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise):
            case = make(os.path.join(folder, "model.onnx"))
    except Exception as error:  # an exporter's own trouble with a module is no trouble of ours
        print("%s: not exported: %s" % (name, last_line(noise.getvalue(), error)))
        return "not exported"
    write_vector(folder, case)
    if keep:
        strip(os.path.join(folder, "model.onnx"))
    text, good = check(folder)
    size = os.path.getsize(os.path.join(folder, "model.onnx"))
    print("%s: %s (%d bytes)" % (name, "ok" if good else "FAIL", size))
    if not good:
        print("    " + text.replace("\n", "\n    "))
    sys.stdout.flush()
    return "ok" if good else "FAIL"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--keep")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if arguments.family == "torch":
        import torch_exports as exports
    else:
        import keras_exports as exports
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, make in exports.cases():
            if arguments.only in name:
                folder = os.path.join(arguments.keep or temporary, name)
                results.append(run_case(name, make, folder, arguments.keep))
    for what in ("ok", "FAIL", "not exported"):
        print("%s: %d" % (what, results.count(what)))
    if "ok" not in results:
        print("FAIL: nothing was compared")
    sys.exit("FAIL" in results or "ok" not in results)


if __name__ == "__main__":
    main()
