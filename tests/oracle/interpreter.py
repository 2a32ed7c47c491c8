# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds a Python that has the packages a test needs.

The one that runs the test need not be it: the distribution's packages belong to the distribution's
Python, and ORACLE_PYTHON may name those of virtual environments, with ':' between them.
"""

import importlib
import os
import sys

SKIP = 77
TRIED = "ORACLE_PYTHONS_TRIED"


def need(*packages):
    """Returns when one alternative is importable ("a or b"); else starts over with the next Python;
    skips the test when there is none left."""
    missing = [p for p in packages if not any(_importable(name) for name in p.split(" or "))]
    if not missing:
        return
    tried = os.environ.get(TRIED, "").split(os.pathsep)
    named = os.environ.get("ORACLE_PYTHON", "").split(os.pathsep)
    for python in (*named, "/usr/bin/python3"):
        if python and python not in tried and os.path.exists(python):
            os.environ[TRIED] = os.pathsep.join([*tried, python])
            os.execv(python, [python, *sys.argv])
    print("SKIPPED: no Python here has %s; ORACLE_PYTHON may name one" % ", ".join(missing))
    sys.exit(SKIP)


def _importable(name):
    try:
        importlib.import_module(name)
        return True
    except ImportError:
        return False
