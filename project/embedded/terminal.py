"""What the runner says. It speaks on stderr: stdout belongs to the command it runs."""

import sys


def say(line: str) -> None:
    """Write one line at once, also where stderr is a file or a pipe."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
