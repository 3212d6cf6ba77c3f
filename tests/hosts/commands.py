"""Runs several commands of the host's project in one process, as a terminal would one by one.

`python -m tests.hosts.commands '[["check"], ["migrate", "--plan"]]'` prints JSON: for each its exit
code, and what it wrote to both streams.
"""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from django.core.management import execute_from_command_line


def told(command: list[str]) -> tuple[int, str, str]:
    """Its exit code, its output, and its errors."""
    out, err, code = StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            execute_from_command_line(["manage.py", *command])
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    commands = json.loads(sys.argv.pop(1))
    sys.argv[1:] = commands[0]  # what the apps look at when they are ready
    json.dump([told(each) for each in commands], sys.stdout)
