#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the libraries export: python3 symbols.py NM PREFIX[,PREFIX…]:LIBRARY…

Every symbol that a shared library defines for others must begin with one of its prefixes. Prints TAP.
"""

import subprocess
import sys

# What linkers and sanitizers define in every shared object.
LINKER = {"_init", "_fini", "_edata", "_end", "__bss_start", "__bss_start__", "__bss_end__", "_bss_end__", "__end__"}
TOOLCHAIN = ("__asan", "__ubsan", "__tsan", "__lsan", "__sanitizer", "__odr_asan", "__start_asan", "__stop_asan")


def foreign(nm, library, prefixes):
    listing = subprocess.run(
        [nm, "-D", "--defined-only", "--format=posix", library], check=True, capture_output=True, text=True
    ).stdout
    names = [line.split()[0].split("@")[0] for line in listing.splitlines() if line.strip()]
    own = [name for name in names if name.startswith(prefixes)]
    rest = [n for n in names if n not in LINKER and not n.startswith(prefixes) and not n.startswith(TOOLCHAIN)]
    return own, rest


def main():
    nm, *libraries = sys.argv[1:]
    print(f"1..{len(libraries)}")
    failed = False
    for number, argument in enumerate(libraries, 1):
        prefixes, library = argument.split(":", 1)
        own, rest = foreign(nm, library, tuple(prefixes.split(",")))
        good = own and not rest
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - {library.rsplit('/', 1)[-1]} exports {len(own)} symbols, all {prefixes}*")
        for name in rest:
            print(f"# exported by mistake: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
