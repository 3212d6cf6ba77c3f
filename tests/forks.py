"""Several processes at once, forked from one in which Django is set up: a start takes a second."""

import os
import subprocess
import sys

from project.embedded.state import ROOT
from tests.database import database_url

_PROGRAM = """
import os, sys, django
django.setup()
def say(text):
    os.write(1, f"{text}\\n".encode())  # all at once
children = []
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        exec(sys.argv[1], {"say": say})
        sys.stdout.flush()
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def forked(
    code: str, times: int, *, logged: bool = False, **variables: str
) -> "subprocess.Popen[str]":
    """Run it so often at once; all have one stdin and stdout, and a session of their own.

    `say` writes a line that no other process's breaks; `logged` brings the log with them. The exit
    code is how many of them failed.
    """
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, code, str(times)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATABASE_URL": database_url(),
            **variables,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if logged else None,
        text=True,
        start_new_session=True,
    )
