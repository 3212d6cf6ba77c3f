"""What the trials of `make storm` are played on."""

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.disasters import Launcher, Servers


@dataclass(slots=True)
class TrialStage:
    """What the trials are played on."""

    given: Namespace
    servers: Servers
    provider: Any
    launcher: Launcher
    used: int = field(default=0)  # listings that trials have had

    silence = Path(os.devnull)  # a log for what may write none

    def some_rows(self, count: int) -> list[int]:
        """Listings that no trial has had yet."""
        from benchmarks.database import row_ids

        self.used += count
        return row_ids(self.used)[-count:]


@contextmanager
def with_variables(**variables: str) -> Iterator[None]:
    """Processes that are started meanwhile get these besides."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
