"""What a process does at its start and its end beside what it is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TELLS_AT_ITS_END = """
import atexit, gc, sys
# Registered before the command's own, so called after them.
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0, file=sys.stderr))
import manage
sys.argv[0] = "manage.py"
manage.main()
"""


@pytest.mark.parametrize(("command", "collects"), [("check", "False"), ("diffsettings", "True")])
def test_a_command_ends_without_a_look_through_all_that_it_loaded(command, collects):
    """The look was a fifth of `manage.py check`, which looks for no garbage before either."""
    done = subprocess.run(
        [sys.executable, "-c", TELLS_AT_ITS_END, command], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].split() == [collects, "True"]
