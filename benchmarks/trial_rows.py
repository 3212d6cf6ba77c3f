"""A line of the table of trials, and where the table stands in docs/reliability.md."""

from collections.abc import Sequence
from dataclasses import dataclass

START, END = "<!-- trials: written by `make storm` -->", "<!-- end of the trials -->"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """What one trial came to.

    `provider` is how many answers the provider counts as paid, `counted` how many our books say
    were paid twice: every call of a killed worker that may have left, so at least as many as did.
    """

    experiment: str
    rows: int
    faults: str
    provider: int
    recorded: int
    counted: int
    wrong: str = ""  # what else was not as it should be

    @property
    def paid_twice(self) -> int:
        """Answers beyond those that are recorded; below 0: some are recorded twice."""
        return self.provider - self.recorded

    @property
    def lost(self) -> int:
        """Answers that were paid and are in no book."""
        return max(0, self.paid_twice - self.counted)

    @property
    def is_exact(self) -> bool:
        """Whether the books hold what the provider counts, and all else was right."""
        return 0 <= self.paid_twice <= self.counted and not self.wrong

    def line(self) -> str:
        """As a line of the table."""
        found = "yes" if self.is_exact else f"**no** {self.wrong}".strip()
        figures = (self.provider, self.recorded, self.paid_twice, self.counted, self.lost)
        cells = (self.experiment, f"{self.rows:,}", self.faults, *(f"{each:,}" for each in figures))
        return f"| {' | '.join((*cells, found))} |"


def table(rows: Sequence[TrialRow]) -> str:
    """All of them, under their heads."""
    heads = (
        "| experiment | rows or calls | kills or faults | answers paid, by the provider"
        " | recorded | paid twice | counted as such | lost | exact |\n"
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    )
    return "\n".join([heads, *(row.line() for row in rows)])
