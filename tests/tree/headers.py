#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each public header compiles alone, as C11 and as C++17: python3 headers.py SOURCE-ROOT FLAGS COMPILER…

COMPILER is `c:gcc` or `c++:g++`; FLAGS is one string with the include paths of the dependencies.
Prints TAP.
"""

import pathlib
import shlex
import subprocess
import sys

STANDARD = {"c": "-std=c11", "c++": "-std=c++17"}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]


def main():
    root = pathlib.Path(sys.argv[1])
    flags = shlex.split(sys.argv[2])
    public = sorted((root / "lib" / "convrnn").glob("*.h")) + sorted((root / "gst" / "meta").rglob("*.h"))
    if "gstreamer-1.0" not in sys.argv[2]:
        public = [header for header in public if "gst" not in header.relative_to(root).parts[0]]
    cases = [(header, *compiler.split(":", 1)) for header in public for compiler in sys.argv[3:]]
    print(f"1..{len(cases)}")
    failed = False
    for number, (header, language, compiler) in enumerate(cases, 1):
        command = shlex.split(compiler) + ["-x", language, STANDARD[language], *WARNINGS, *flags]
        command += ["-I", str(root / "lib"), "-I", str(root / "gst" / "meta"), "-fsyntax-only", "-"]
        source = f'#include "{header}"\nint main(void) {{ return 0; }}\n'
        result = subprocess.run(command, input=source, capture_output=True, text=True)
        failed |= result.returncode != 0
        word = "not ok" if result.returncode else "ok"
        print(f"{word} {number} - {header.name} alone, {STANDARD[language]}")
        for line in result.stderr.splitlines():
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
