"""Python in answers, looked at by a child process: never executed, and ended when it takes long."""

import json
import re
import selectors
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from llmconfig.extras import how_to_install, installed

CHILD = Path(__file__).with_name("python_child.py")
LONGEST = 100_000  # characters of code that are looked at
SECONDS = 10.0  # for one answer
STARTING = 20.0  # for the first one: the scanner takes its time to load
_FENCE = re.compile(r"[ \t]*```[ \t]*([\w+-]*)")


class CodeReport(Struct, frozen=True):
    """What is known of some code. `unknown` says why nothing is; issues are bandit's."""

    unknown: str = ""
    syntax_error: str = ""
    functions: int = 0
    untyped: tuple[str, ...] = ()
    issues: tuple[dict[str, Any], ...] = ()


def fenced(text: str, languages: Sequence[str]) -> str:
    """The blocks that Markdown fences off in these languages, or without one; else the text."""
    blocks: list[str] = []
    inside: list[str] | None = None  # the lines since a fence began
    language = ""
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line)
        if inside is None:
            if fence is not None:
                inside, language = [], fence[1].lower()
        elif line.strip() == "```":
            if language in {*languages, ""}:
                blocks.append("".join(inside))
            inside = None
        else:
            inside.append(line)
    return "\n".join(blocks) if blocks else text


def examine(texts: Sequence[str], *, scan: Sequence[bool]) -> list[CodeReport]:
    """A report of the Python in each text; `scan` says for which ones the scanner is wanted."""
    with ExitStack() as stack:
        child: _Child | None = None
        reports = []
        for text, wanted in zip(texts, scan, strict=True):
            code = fenced(text, ("python", "py", "python3"))
            if len(code) > LONGEST:
                reports.append(CodeReport(unknown=f"It is longer than {LONGEST} characters."))
                continue
            if wanted and not installed("bandit"):
                reports.append(CodeReport(unknown=how_to_install("bandit", "bandit")))
                continue
            if child is None or child.ended:
                child = stack.enter_context(_Child())
            reports.append(child.ask(code, scan=wanted))
        return reports


class _Child:
    """One child process; after a failure it has ended."""

    def __init__(self) -> None:
        self.ended = False
        self._answered = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def ask(self, code: str, *, scan: bool) -> CodeReport:
        """Its report, or why there is none."""
        cleaned = code.encode("utf-8", "replace").decode()
        try:
            self._write(json.dumps({"code": cleaned, "scan": scan}).encode() + b"\n")
            line = self._line(SECONDS if self._answered else STARTING)
        except OSError:
            line = b""
        if not line:
            self._end()
            return CodeReport(unknown="It took too long or too much memory to look at.")
        self._answered = True
        told = json.loads(line)
        return CodeReport(
            syntax_error=told["syntax_error"],
            functions=told.get("functions", 0),
            untyped=tuple(told.get("untyped", ())),
            issues=tuple(told.get("issues", ())),
        )

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _line(self, seconds: float) -> bytes:
        """One line, b"" when the child has died or the time is over."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            # The child writes a line at once, so what has begun to come will be whole.
            return self._process.stdout.readline() if selector.select(seconds) else b""

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self._process.kill()
            self._process.communicate()
