"""The runner of `make clients`: what it tells of a client's script, and what it keeps."""

import os
import sys

import pytest

from tests.clients import environments, kept, matrix, running
from tests.clients.listing import MatrixClient

STEPS = """
import json, subprocess, sys
for step, why in (("chat", ""), ("stream", "TypeError: no text"), ("usage", "no tokens")):
    print("@@" + json.dumps({"step": step, "ok": not why, "why": why}), flush=True)
subprocess.Popen(["sleep", "600"])  # as agents leave servers behind, with their output open
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    """A client that counts as installed, with a script of these texts."""
    monkeypatch.setenv("CLIENTS_FOLDER", str(tmp_path / "cache"))

    def make(script):
        path = tmp_path / "script.py"
        path.write_text(script)
        made = MatrixClient("dog, chat", "dog", ("dog==1.0",), str(path), known={"usage": "shy"})
        programs = tmp_path / "cache" / "dog" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        if not (programs / "python").exists():
            (programs / "python").symlink_to(sys.executable)
        mark = " ".join([sys.version.split()[0], *made.packages])
        (tmp_path / "cache" / "dog" / "installed").write_text(mark)
        return made

    return make


def run(client, **more):
    return running.run(client, {"PATH": os.environ["PATH"]}, **more)


def test_each_step_is_told_with_the_reason_of_its_failure(client, capsys):
    result = run(client(STEPS))
    assert capsys.readouterr().err.splitlines() == [
        "dog, chat: chat ✓",
        "dog, chat: stream ✗ TypeError: no text",
        "dog, chat: usage ✗ no tokens (known: shy)",
    ]
    assert result.unexplained == {"stream": "TypeError: no text"}
    marks = matrix.table([result]).splitlines()[-1].split(" | ")[2:]
    assert (marks[:2], marks[-1]) == (["✓", "✗"], "✗ |")
    assert matrix.failures([result]).splitlines() == [
        "- dog, chat, stream: unexplained: TypeError: no text",
        "- dog, chat, usage: shy",
    ]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('import os; print(\'@@{"step": "chat", "ok": true}\', flush=True); os._exit(3)', "3"),
        ("raise SystemExit('no such module')", "no such module"),
        ("import time; time.sleep(600)", "stopped after 1 s"),
    ],
)
def test_a_script_that_does_not_come_to_its_end_is_broken(client, script, why):
    result = run(client(script), max_seconds=1 if "stopped" in why else 60)
    assert why in result.broken
    assert result.unexplained == {"all": result.broken}


def test_results_are_kept_as_long_as_script_and_packages_stay(client):
    made = client(STEPS)
    assert kept.results([made]) == {}
    result = run(made)
    kept.keep(result)
    assert kept.results([made]) == {"dog, chat": result}
    changed = client(STEPS + "\n")
    assert kept.results([changed]) == {}
    assert environments.home(changed).is_dir()
