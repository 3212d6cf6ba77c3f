"""What the trials of `make storm` are played on."""

from argparse import Namespace
from dataclasses import dataclass, field
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

    def some_rows(self, count: int) -> list[int]:
        """Listings that no trial has had yet."""
        from benchmarks.database import row_ids

        self.used += count
        return row_ids(self.used)[-count:]
