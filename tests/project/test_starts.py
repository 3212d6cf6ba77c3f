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
atexit.register(lambda: print(
    gc.isenabled(), gc.get_freeze_count() > 0, "jsonschema" in sys.modules, file=sys.stderr
))
import manage
sys.argv[0] = "manage.py"
manage.main()
"""


@pytest.mark.parametrize(("command", "collects"), [("check", "False"), ("diffsettings", "True")])
def test_a_command_ends_without_a_look_through_all_that_it_loaded(command, collects):
    """The look was a fifth of `manage.py check`, which looks for no garbage before either.

    Nor does it need jsonschema for schemas that name neither a dialect nor parts of themselves.
    """
    done = subprocess.run(
        [sys.executable, "-c", TELLS_AT_ITS_END, command], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].split() == [collects, "True", "False"]


PATTERNS_AT_ITS_END = """
import atexit, sys
def tell():
    patterns = sys.modules["enrichment.quality.patterns"]
    judge = sys.modules["enrichment.quality.gates.warning"].warning_in
    waiting = len(patterns._WAITING)
    found = judge("not good with cats")
    print(waiting > 150, found, len(patterns._WAITING) - waiting, file=sys.stderr)
atexit.register(tell)
import manage
sys.argv = ["manage.py", "check"]
manage.main()
"""


def test_a_check_compiles_no_pattern_of_the_gates_and_who_judges_those_it_asks():
    """They were a tenth of `manage.py check`, which loads the gates and judges nothing."""
    done = subprocess.run(
        [sys.executable, "-c", PATTERNS_AT_ITS_END], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].split() == ["True", "0", "-1"]


WORKER = """
import gc, os, signal, sys
from celery.signals import worker_process_init, worker_ready
from project.celery import app

while_loading = gc.get_threshold()[0]

@worker_process_init.connect(weak=False)
def tell(**_):
    patterns = sys.modules["enrichment.quality.patterns"]
    # Loaded, and each of their patterns compiled: else every child would.
    gates = "enrichment.quality.gates" in sys.modules and not patterns._WAITING
    found = (gates, gc.get_freeze_count() > 100_000, while_loading > gc.get_threshold()[0])
    # Celery has made sys.stdout a logger's.
    os.write(1, f"found {found} {'jsonschema' in sys.modules}".encode())

@worker_ready.connect(weak=False)
def end(**_):
    os.kill(os.getpid(), signal.SIGTERM)

app.worker_main(["worker", "--concurrency=1", "--without-gossip", "--without-mingle"])
"""


def test_a_worker_does_not_look_through_what_it_loaded_before_it_makes_each_child():
    """Celery collects garbage before each child, which takes 0.1 s where nothing is left out."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "found (True, True, True) False" in done.stdout
