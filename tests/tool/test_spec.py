# SPDX-License-Identifier: LGPL-2.1-or-later
"""convrnn run --spec: test vectors, and the comparison with their references."""

import json
import os

import harness
from harness import MISMATCH


class Spec(harness.ToolTest):
    def spec(self, **changes):
        """Three steps of an accumulator, in a folder of its own, with references in ref/out."""
        os.makedirs(self.path("ref/in"), exist_ok=True)
        os.makedirs(self.path("ref/out"), exist_ok=True)
        model = self.accumulator(state=("alpha", "omega"))
        total = [1000, 0]
        for i in range(3):
            self.write_npy("ref/in/%d.npy" % i, (1, 2), [i + 1, -i])
            total = [total[0] + i + 1, total[1] - i]
            self.write_npy("ref/out/%03d_omega.npy" % i, (1, 2), total)
        self.write_npy("ref/out/002_y.npy", (1, 2), [2 * t for t in total])
        spec = {
            "model": "../" + model,
            "out": "out",
            "steps": [{"x": "in/%d.npy" % i} for i in range(3)],
            "init": {"alpha": {"shape": [1, 2], "data": [1000, 0]}},
            "state": {"alpha": "omega"},
            "ignored": [None],
        }
        spec.update(changes)
        spec = {key: value for key, value in spec.items() if value is not None}
        return self.write("ref/spec.json", json.dumps(spec))

    def test_agrees(self):
        out = self.tool("run", "--spec", self.spec(), "--check")
        self.assertIn("omega: ok, 3 compared, largest difference 0 of 1e+03", out)
        self.assertIn("y: ok, 1 compared", out)
        self.assertIn("limit 0.0001", out)

    def test_writes_too(self):
        self.tool("run", "--spec", self.spec(), "--output=out")
        self.assertEqual(self.read_npy("out/002_omega.npy"), ((1, 2), [1006, -3]))
        self.assertEqual(len(os.listdir(self.path("out"))), 6)

    def test_from_another_folder(self):
        """Paths in a spec are relative to it, not to where the command runs."""
        os.mkdir(self.path("elsewhere"))
        spec = os.path.join("..", self.spec())
        tool_folder, self.folder = self.folder, self.path("elsewhere")
        self.tool("run", "--check", "--spec", spec)
        self.folder = tool_folder

    def test_largest_difference(self):
        spec = self.spec()
        # 0.2 of 1006 is 2e-4
        self.write_npy("ref/out/002_omega.npy", (1, 2), [1006.2, -3])
        out = self.tool("run", "--spec", spec, "--check", code=MISMATCH)
        self.assertIn("omega: MISMATCH, 3 compared, largest difference 0.2 of 1.01e+03", out)
        self.assertIn("in step 2", out)
        self.assertIn("y: ok", out)
        self.tool("run", "--spec", spec, "--check", "1e-2")
        self.tool("run", "--spec", spec, "--check=1e-5", code=MISMATCH)

    def test_rms_difference(self):
        """Off by 5e-5 of the largest, which is within 1e-4; but the rms is not within 1e-5."""
        spec = self.spec()
        self.write_npy("ref/out/002_omega.npy", (1, 2), [1006 * (1 + 5e-5), -3])
        self.assertIn("omega: MISMATCH", self.tool("run", "--spec", spec, "--check", code=MISMATCH))
        self.tool("run", "--spec", spec, "--check=1e-3")

    def test_one_element_of_many(self):
        """One of 400 elements is off by 1.5e-4: too much, though the rms hardly changes."""
        self.accumulator(dims=(1, 400))
        os.mkdir(self.path("out"))
        self.write_npy("x.npy", (1, 400), [1] * 400)
        self.write_npy("out/000_y.npy", (1, 400), [2] * 399 + [2 - 3e-4])
        spec = self.write(
            "spec.json",
            json.dumps({"model": "accumulator.onnx", "out": "out", "steps": [{"x": "x.npy"}]}),
        )
        self.assertIn("y: MISMATCH", self.tool("run", "--spec", spec, "--check", code=MISMATCH))
        self.tool("run", "--spec", spec, "--check=2e-4")

    def test_tolerance(self):
        for tolerance, code in (
            ({"omega": 1e-2}, 0),
            ({"*": 1e-2}, 0),
            ({"y": 1e-2}, MISMATCH),
            ({"*": 1e-2, "omega": 1e-4}, MISMATCH),
        ):
            spec = self.spec(tolerance=tolerance)
            self.write_npy("ref/out/002_omega.npy", (1, 2), [1006.2, -3])
            self.tool("run", "--spec", spec, "--check", code=code)
            # What the spec says of an output holds whatever the general limit is.
            self.tool("run", "--spec", spec, "--check=1e-6", code=code)

    def test_nan_in_reference(self):
        spec = self.spec()
        self.write_npy("ref/out/002_omega.npy", (1, 2), [float("nan"), -3])
        self.assertIn(
            "largest difference inf", self.tool("run", "--spec", spec, "--check", code=MISMATCH)
        )

    def test_reference_of_another_shape(self):
        spec = self.spec()
        self.write_npy("ref/out/002_y.npy", (2, 1), [2012, -6])
        self.assertIn(
            "y: MISMATCH, expected float32 2×1, found float32 1×2",
            self.tool("run", "--spec", spec, "--check", code=MISMATCH),
        )

    def test_reference_that_nothing_matches(self):
        spec = self.spec()
        self.write_npy("ref/out/003_y.npy", (1, 2), [1, 2])
        self.refused(
            "out/003_y.npy: no step has an output of that name",
            by=["run", "--check", "--spec", spec],
        )

    def test_no_references(self):
        spec = self.spec(out="in-between")
        self.refused("in-between", by=["run", "--check", "--spec", spec])
        os.mkdir(self.path("ref/in-between"))
        self.refused("no reference file to compare with", by=["run", "--check", "--spec", spec])
        spec = self.spec(out=None)
        self.refused('the spec has no "out"', by=["run", "--check", "--spec", spec])

    def test_options_override(self):
        """--state and --initial on the command line go before the spec's."""
        spec = self.spec()
        out = self.tool("run", "--check", "--spec", spec, "--state=none", code=MISMATCH)
        self.assertIn("omega: MISMATCH", out)
        self.tool("run", "--spec", spec, "--state=none", "--output=out")
        self.assertEqual(self.read_npy("out/002_omega.npy"), ((1, 2), [1003, -2]))
        self.tool("run", "--spec", spec, "--state=alpha=y", "--output=out")
        self.assertEqual(self.read_npy("out/001_omega.npy"), ((1, 2), [2004, -1]))
        self.tool("run", "--spec", spec, "--initial=alpha=0,500", "--output=out")
        self.assertEqual(self.read_npy("out/002_omega.npy"), ((1, 2), [6, 497]))

    def test_initial_and_constant_forms(self):
        self.write_npy("ref.npy", (1, 2), [2000, 0])
        self.tool("run", "--spec", self.spec(init={"alpha": "../ref.npy"}), "--output=out")
        self.assertEqual(self.read_npy("out/000_omega.npy"), ((1, 2), [2001, 0]))
        self.tool("run", "--spec", self.spec(init={"alpha": {"shape": [1, 2]}}), "--output=out")
        self.assertEqual(self.read_npy("out/000_omega.npy"), ((1, 2), [1, 0]))
        self.write_npy("ref/x.npy", (2,), [1, 2])
        self.scale()
        spec = self.write(
            "ref/scale.json",
            json.dumps(
                {
                    "model": "../scale.onnx",
                    "const": {"k": {"shape": [1], "data": [0.5]}},
                    "steps": [{"x": "x.npy"}],
                }
            ),
        )
        self.tool("run", "--spec", spec, "--output=out")
        self.assertEqual(self.read_npy("out/000_y.npy"), ((2,), [0.5, 1]))

    def test_missing_files(self):
        spec = self.spec(steps=[{"x": "in/0.npy"}, {"x": "in/none.npy"}])
        self.refused(
            "step 1: ", "in/none.npy", "No such file", by=["run", "--spec", spec, "--check"]
        )
        self.refused("gone.onnx", by=["run", "--spec", self.spec(model="gone.onnx")])
        self.refused("no-spec.json", "No such file", by=["run", "--spec", "no-spec.json"])
        self.refused("irectory", by=["run", "--spec", "."])

    def test_bad_specs(self):
        good = {"model": "m.onnx", "steps": [{"x": "x.npy"}]}
        for text, fragment in (
            ("{", "expected a string in double quotes, found the end of the file"),
            ("[]", "spec.json:1:1: expected an object, found an array"),
            ({"steps": [{}]}, '"model" is missing'),
            ({"model": "m.onnx"}, '"steps" is missing'),
            ({**good, "model": 3}, 'spec.json:1:11: "model": expected a string, found a number'),
            ({**good, "steps": []}, '"steps" is empty'),
            ({**good, "steps": {}}, '"steps": expected an array, found an object'),
            ({**good, "steps": [1]}, "step 0: expected an object, found a number"),
            (
                {**good, "steps": [{"x": 1}]},
                '"x": expected the name of a .npy file, found a number',
            ),
            ({**good, "out": []}, '"out": expected a string, found an array'),
            ({**good, "state": {"a": 1}}, "expected the name of an output, found a number"),
            ({**good, "init": {"a": {}}}, '"shape" is missing'),
            ({**good, "init": {"a": 1}}, 'an object with "shape", found a number'),
            ({**good, "init": {"a": {"shape": [1.5]}}}, "a dimension is a whole number"),
            ({**good, "init": {"a": {"shape": [-1]}}}, "a dimension is a whole number"),
            ({**good, "init": {"a": {"shape": [1] * 9}}}, "more than 8 dimensions"),
            (
                {**good, "const": {"a": {"shape": [1], "data": ["1"]}}},
                "expected a number, found a string",
            ),
            ({**good, "tolerance": {"y": -1}}, "a tolerance is a number, at least 0"),
            ({**good, "tolerance": 1}, '"tolerance": expected an object, found a number'),
        ):
            with self.subTest(text=text):
                spec = self.write("spec.json", text if isinstance(text, str) else json.dumps(text))
                self.refused("spec.json:1:", fragment, by=["run", "--spec", spec])

    def test_specs_that_do_not_fit_the_model(self):
        self.refused(
            'no input is called "z"', by=["run", "--spec", self.spec(init={"z": {"shape": [1]}})]
        )
        self.refused(
            'no output is called "z"', by=["run", "--spec", self.spec(state={"alpha": "z"})]
        )
        self.refused(
            'input "alpha"',
            by=["run", "--spec", self.spec(init={"alpha": {"shape": [1, 2], "data": [1]}})],
        )
        self.refused(
            "step 0: ", "alpha", by=["run", "--spec", self.spec(init={"alpha": {"shape": [1, 3]}})]
        )

    def test_bad_limit(self):
        for limit in ("x", "-1", "1e-4x", "inf"):
            self.refused(
                '--check: expected a number such as 1e-4, found "%s"' % limit,
                by=["run", "--spec", self.spec(), "--check=" + limit],
            )


if __name__ == "__main__":
    harness.main()
