"""Run several scripts in this one process, for tests: `several.py NAME …`."""

import runpy
import sys
from pathlib import Path

import steps

for name in sys.argv[1:]:
    sys.stdout.write(f"\n@@@{name}\n")
    steps.forget()
    runpy.run_path(str(Path(__file__).with_name(f"{name}.py")))
