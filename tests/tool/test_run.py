# SPDX-License-Identifier: LGPL-2.1-or-later
"""convrnn run with options: what is written, what is carried, what is refused."""

import os

import harness
from harness import onnx


class Run(harness.ToolTest):
    def steps(self, n=3):
        """x = [1, 10], [2, 20], …; a comma-separated list of the files."""
        return ",".join(
            self.write_npy("x%d.npy" % i, (1, 2), [i + 1, 10 * (i + 1)]) for i in range(n)
        )

    def outputs(self, name, n=3):
        return [self.read_npy("out/%03d_%s.npy" % (i, name)) for i in range(n)]

    def test_state_is_carried(self):
        self.tool("run", self.accumulator(), "--input=x=" + self.steps(), "--output=out")
        self.assertEqual(
            self.outputs("h_out"), [((1, 2), [1, 10]), ((1, 2), [3, 30]), ((1, 2), [6, 60])]
        )
        self.assertEqual(
            self.outputs("y"), [((1, 2), [2, 20]), ((1, 2), [6, 60]), ((1, 2), [12, 120])]
        )
        self.assertEqual(len(os.listdir(self.path("out"))), 6)

    def test_state_by_option(self):
        model = self.accumulator(state=("alpha", "omega"))
        self.tool("run", model, "--input=x=" + self.steps(), "--state=alpha=omega", "--output=out")
        self.assertEqual([v for _, v in self.outputs("omega")], [[1, 10], [3, 30], [6, 60]])

    def test_no_state(self):
        self.tool(
            "run", self.accumulator(), "--input=x=" + self.steps(), "--state=none", "--output=out"
        )
        self.assertEqual([v for _, v in self.outputs("h_out")], [[1, 10], [2, 20], [3, 30]])

    def test_initial(self):
        self.write_npy("h.npy", (1, 2), [100, 200])
        self.tool(
            "run",
            self.accumulator(),
            "--input=x=" + self.steps(),
            "--initial=h_in=h.npy",
            "--output=out",
        )
        self.assertEqual(
            [v for _, v in self.outputs("h_out")], [[101, 210], [103, 230], [106, 260]]
        )

    def test_constant(self):
        self.write_npy("x.npy", (2,), [1, 2])
        self.write_npy("k.npy", (1,), [4])
        for text, expected in (("3", [3, 6]), ("-0.5", [-0.5, -1]), ("k.npy", [4, 8])):
            self.tool(
                "run", self.scale(), "--input=x=x.npy", "--constant=k=" + text, "--output=out"
            )
            self.assertEqual(self.read_npy("out/000_y.npy"), ((2,), expected))

    def test_one_file_serves_every_step(self):
        self.write_npy("k.npy", (1,), [5])
        files = ",".join(self.write_npy("x%d.npy" % i, (2,), [i, i]) for i in range(3))
        self.tool("run", self.scale(), "--input=x=" + files, "--input=k=k.npy", "--output=out")
        self.assertEqual([v for _, v in self.outputs("y")], [[0, 0], [5, 5], [10, 10]])

    def test_double_and_fortran_order(self):
        self.write_npy("x.npy", (1, 3, 1, 2), [1, 4, 2, 5, 3, 6], descr="<f8")
        self.write_npy("f.npy", (1, 3, 1, 2), [1, 2, 3, 4, 5, 6], fortran=True)
        model = self.convolution()
        self.tool("run", model, "--input=x=x.npy", "--output=out")
        self.assertEqual(self.read_npy("out/000_y.npy"), ((1, 2, 1, 2), [1, 4, 1, 1]))
        self.tool("run", model, "--input=x=f.npy", "--output=out")
        self.assertEqual(self.read_npy("out/000_y.npy"), ((1, 2, 1, 2), [1, 4, 1, 1]))

    def test_shape_changes_from_step_to_step(self):
        self.write_npy("a.npy", (1, 3, 1, 1), [1, 2, 3])
        self.write_npy("b.npy", (1, 3, 1, 2), [1, 4, 2, 5, 3, 6])
        self.tool("run", self.convolution(), "--input=x=a.npy,b.npy,a.npy", "--output=out")
        self.assertEqual(
            self.outputs("y"),
            [((1, 2, 1, 1), [1, 1]), ((1, 2, 1, 2), [1, 4, 1, 1]), ((1, 2, 1, 1), [1, 1])],
        )

    def test_state_outlives_a_change_of_shape(self):
        """The state is 1×1 whatever the input's width: the sum of the means."""
        model = self.write(
            "mean.onnx",
            onnx.model(
                [
                    onnx.node("GlobalAveragePool", ["x"], ["m"], name="mean"),
                    onnx.node("Add", ["m", "h_in"], ["h_out"], name="sum"),
                ],
                [onnx.value("x", (1, 1, 1, "width")), onnx.value("h_in", (1, 1, 1, 1))],
                [onnx.value("h_out", (1, 1, 1, 1))],
            ),
        )
        self.write_npy("a.npy", (1, 1, 1, 2), [1, 3])
        self.write_npy("b.npy", (1, 1, 1, 4), [1, 2, 3, 6])
        self.tool("run", model, "--input=x=a.npy,b.npy,a.npy", "--output=out")
        self.assertEqual([v for _, v in self.outputs("h_out")], [[2], [5], [7]])

    def test_state_that_changes_its_shape(self):
        model = self.accumulator(dims=(1, "n"))
        self.write_npy("a.npy", (1, 2), [1, 2])
        self.write_npy("b.npy", (1, 3), [1, 2, 3])
        self.refused(
            "step 1: the inputs' shapes change and the state cannot be carried on: ",
            by=["run", model, "--input=x=a.npy,b.npy", "--output=out"],
        )

    def test_threads_and_cpu(self):
        for options in (["--threads=1"], ["--threads=3"], ["--cpu=c"]):
            self.tool(
                "run", self.accumulator(), "--input=x=" + self.steps(), "--output=out", *options
            )
            self.assertEqual([v for _, v in self.outputs("h_out")], [[1, 10], [3, 30], [6, 60]])
        run = ["run", self.accumulator(), "--input=x=" + self.steps(), "--output=out"]
        self.refused("--threads: expected 0 to 64, found 65", by=run + ["--threads=65"])
        self.refused("--threads: expected 0 to 64, found -1", by=run + ["--threads=-1"])
        self.refused("no-such-level", by=run + ["--cpu=no-such-level"])

    def test_precision(self):
        """1 + 2^-12 is no bfloat16; without the processor's help it is not rounded to one."""
        dims, n = (1, 32, 8, 8), 32
        model = self.write(
            "same.onnx",
            onnx.model(
                [onnx.node("Conv", ["x", "w"], ["y"], name="same")],
                [onnx.value("x", dims)],
                [onnx.value("y", dims)],
                [onnx.tensor("w", [n, n, 1, 1], [int(i % (n + 1) == 0) for i in range(n * n)])],
            ),
        )
        self.write_npy("x.npy", dims, [1 + 2**-12] * (n * 64))
        run = ["run", model, "--input=x=x.npy", "--output=out"]

        def first(*options):
            stderr = self._run([*run, *options], harness.OK).stderr
            return self.read_npy("out/000_y.npy")[1][0], stderr

        exact = (1 + 2**-12, "")
        for precision in ("fp32", "bf16x3", "auto"):
            self.assertEqual(first("--precision=" + precision, "--cpu=c")[0], exact[0])
        self.assertEqual(first(), exact)
        self.assertEqual(first("--precision=auto", "--cpu=c"), exact)
        for precision in ("bf16x3", "bf16"):
            value, stderr = first("--precision=" + precision, "--cpu=c")
            self.assertEqual(value, exact[0])
            self.assertIn('precision %s needs the instruction set "amx"' % precision, stderr)
        self.refused(
            "--precision half: expected fp32, bf16x3, bf16, auto, double or int8",
            by=run + ["--precision=half"],
        )
        if "kernels: amx" not in self.tool("bench", model, "--steps=1"):
            self.skipTest("no bf16 on this processor")
        self.assertEqual(first("--precision=bf16"), (1, ""))
        self.assertEqual(first("--precision=bf16x3"), exact)

    def test_names_become_file_names(self):
        model = self.write(
            "odd.onnx",
            onnx.model(
                [onnx.node("Relu", ["x"], ["a/b:c é.0-z_"])],
                [onnx.value("x", (1, 2))],
                [onnx.value("a/b:c é.0-z_", (1, 2))],
            ),
        )
        self.tool("run", model, "--input=x=" + self.steps(1), "--output=out/deep/er")
        self.assertEqual(os.listdir(self.path("out/deep/er")), ["000_a_b_c___.0-z_.npy"])

    def test_bad_state_pairs(self):
        run = [
            "run",
            self.accumulator(state=("alpha", "omega")),
            "--input=x=" + self.steps(),
            "--output=out",
        ]
        self.refused('no input is called "beta"', "alpha", by=run + ["--state=beta=omega"])
        self.refused('no output is called "beta"', by=run + ["--state=alpha=beta"])
        self.refused('--state: expected NAME=VALUE, found "alpha"', by=run + ["--state=alpha"])
        self.refused("--state none excludes", by=run + ["--state=none", "--state=alpha=omega"])
        self.refused('input "alpha" is not given', by=run)

    def test_state_of_another_shape(self):
        model = self.write(
            "mismatch.onnx",
            onnx.model(
                [
                    onnx.node("Add", ["x", "s"], ["a"], name="add"),
                    onnx.node("Concat", ["a", "a"], ["t"], name="cat", axis=1),
                ],
                [onnx.value("x", (1, 2)), onnx.value("s", (1, 2))],
                [onnx.value("t", (1, 4))],
            ),
        )
        self.refused(
            "s", "t", by=["run", model, "--input=x=" + self.steps(), "--state=s=t", "--output=out"]
        )

    def test_bad_constants(self):
        self.write_npy("x.npy", (2,), [1, 2])
        self.write_npy("wrong.npy", (3,), [1, 2, 3])
        self.write_npy("integers.npy", (1,), [1], descr="<i8")
        run = ["run", self.scale(), "--input=x=x.npy", "--output=out"]
        self.refused('no input is called "z"; its inputs are: x, k', by=run + ["--constant=z=1"])
        self.refused("--constant: expected NAME=VALUE", by=run + ["--constant=k"])
        self.refused('input "k": expected a number', 'found "abc"', by=run + ["--constant=k=abc"])
        self.refused('input "k": expected a number', by=run + ["--constant=k=1,"])
        self.refused('input "k": 2 values do not fit its shape', by=run + ["--constant=k=1,2"])
        self.refused("k", by=run + ["--constant=k=wrong.npy"])
        self.refused(
            'integers.npy: input "k": expected float32, found int64',
            by=run + ["--constant=k=integers.npy"],
        )
        self.refused("no.npy", "No such file", by=run + ["--constant=k=no.npy"])

    def test_bad_inputs(self):
        model = self.accumulator()
        x = self.write_npy("x.npy", (1, 2), [1, 2])
        out = "--output=out"
        self.write("text.npy", "hello world")
        with open(self.path(x), "rb") as file:
            self.write("short.npy", file.read()[:-1])
        self.write_npy("wide.npy", (1, 3), [1, 2, 3])
        self.write_npy("bytes.npy", (1, 2), [1, 2], descr="|u1")
        self.refused(
            "step 0: ", "text.npy: not a .npy file", by=["run", model, "--input=x=text.npy", out]
        )
        self.refused(
            "short.npy", "7 bytes follow it", by=["run", model, "--input=x=short.npy", out]
        )
        self.refused("gone.npy", "No such file", by=["run", model, "--input=x=gone.npy", out])
        self.refused("step 1: ", "gone.npy", by=["run", model, "--input=x=x.npy,gone.npy", out])
        self.refused("x", by=["run", model, "--input=x=wide.npy", out])
        self.refused(
            'bytes.npy: input "x": expected float32, found uint8',
            by=["run", model, "--input=x=bytes.npy", out],
        )
        self.refused('no input is called "z"', by=["run", model, "--input=z=x.npy", out])
        self.refused(
            'input "h_in" is a state or a constant',
            by=["run", model, "--input=x=x.npy", "--input=h_in=x.npy", out],
        )
        self.write_npy("two.npy", (2,), [1, 2])
        self.refused('input "k" is not given', by=["run", self.scale(), "--input=x=two.npy", out])
        self.refused(
            '--input: as many files as for "x"',
            "expected 3, found 2",
            by=["run", self.scale(), "--input=x=a,b,c", "--input=k=a,b", out],
        )

    def test_bad_models(self):
        with open(self.path(self.accumulator()), "rb") as file:
            whole = file.read()
        self.write("half.onnx", whole[: len(whole) // 2])
        self.write("text.onnx", "This is no model.\n")
        self.write("empty.onnx", b"")
        os.mkdir(self.path("folder.onnx"))
        self.write_npy("x.npy", (1, 2), [1, 2])
        for command in (
            ["run", "--input=x=x.npy", "--output=out"],
            ["inspect"],
            ["bench", "--steps=1"],
        ):
            for name in ("half.onnx", "text.onnx", "empty.onnx", "folder.onnx", "missing.onnx"):
                with self.subTest(command=command[0], model=name):
                    self.refused(name, by=command + [name])
            with self.subTest(command=command[0], model="unknown operator"):
                self.refused(
                    "Frobnicate", "com.example", "strange", by=command + [self.unknown_operator()]
                )

    def test_bad_output_folder(self):
        self.write("file", "")
        self.refused(
            "file/out",
            by=["run", self.accumulator(), "--input=x=" + self.steps(), "--output=file/out"],
        )

    def test_usage(self):
        model = self.accumulator()
        self.refused("no --input is given", by=["run", model, "--output=out"])
        self.refused("--output is missing", by=["run", model, "--input=x=a.npy"])
        self.refused("a model file is missing", by=["run", "--input=x=a.npy", "--output=out"])
        self.refused(
            "--check needs --spec", by=["run", model, "--input=x=a.npy", "--output=out", "--check"]
        )
        self.refused(
            "--input and --spec exclude each other", by=["run", "--spec=s.json", "--input=x=a.npy"]
        )
        self.refused(
            "--input: expected NAME=VALUE", by=["run", model, "--input=a.npy", "--output=out"]
        )
        self.assertIn("--spec", self.tool("run", "--help"))


class Program(harness.ToolTest):
    def test_help_and_version(self):
        self.assertIn("inspect", self.tool("--help"))
        self.assertRegex(self.tool("--version"), r"^convrnn \d+\.\d+\.\d+\n$")

    def test_unknown_command(self):
        result = self._run(["frobnicate"], harness.BAD_INPUT)
        self.assertIn('convrnn: unknown command "frobnicate"', result.stderr)
        self.assertIn("Usage: ", self._run([], harness.BAD_INPUT).stderr)


if __name__ == "__main__":
    harness.main()
