# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs an example and compares what it prints with PyTorch's numbers: check_example.py PROGRAM FILE

Each line is "label: numbers". tests/oracle/test_examples.py makes the files.
"""

import subprocess
import sys

TOLERANCE = 1e-4  # of a number, or of 1 where that is less


def parse(text):
    lines = []
    for line in text.splitlines():
        label, _, numbers = line.rpartition(":")
        lines.append((label, [float(n) for n in numbers.split()]))
    return lines


def differences(found, wanted):
    """What is wrong with the text an example printed, in words."""
    found, wanted = parse(found), parse(wanted)
    if [label for label, _ in found] != [label for label, _ in wanted]:
        yield "prints %s, expected %s" % ([f[0] for f in found], [w[0] for w in wanted])
        return
    for number, ((label, a), (_, b)) in enumerate(zip(found, wanted), 1):
        if len(a) != len(b):
            yield "line %d, %s: %d numbers, expected %d" % (number, label, len(a), len(b))
            continue
        for k, (x, y) in enumerate(zip(a, b)):
            if not abs(x - y) <= TOLERANCE * max(1, abs(y)):
                yield "line %d, %s: number %d is %g, expected %g" % (number, label, k, x, y)
                break


def main():
    program, file = sys.argv[1:]
    result = subprocess.run([program], capture_output=True, encoding="utf-8")
    if result.returncode != 0:
        print("%s ends with %d: %s" % (program, result.returncode, result.stderr))
        return 1
    with open(file, encoding="utf-8") as stored:
        wrong = list(differences(result.stdout, stored.read()))
    print("\n".join(wrong) or "%s prints what %s has" % (program, file))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
