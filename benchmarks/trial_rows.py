"""A line of the table of trials, and where the table stands in docs/reliability.md."""

from collections.abc import Sequence
from dataclasses import dataclass

START, END = "<!-- trials: written by `make storm` -->", "<!-- end of the trials -->"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """What one trial came to. `provider` is how many answers the provider counts as paid."""

    experiment: str
    rows: int
    faults: str
    provider: int
    recorded: int
    paid_twice: int
    wrong: str = ""  # what else was not as it should be

    @property
    def lost(self) -> int:
        """Answers that were paid and are in no book; below 0: booked more often than paid."""
        return self.provider - self.recorded - self.paid_twice

    @property
    def is_exact(self) -> bool:
        """Whether the books are the provider's, and all else was right."""
        return self.lost == 0 and not self.wrong

    def line(self) -> str:
        """As a line of the table."""
        found = "yes" if self.is_exact else f"**no** {self.wrong}".strip()
        figures = (self.rows, self.provider, self.recorded, self.paid_twice, self.lost)
        rows, provider, recorded, paid_twice, lost = (f"{each:,}" for each in figures)
        cells = (self.experiment, rows, self.faults, provider, recorded, paid_twice, lost, found)
        return f"| {' | '.join(cells)} |"


def table(rows: Sequence[TrialRow]) -> str:
    """All of them, under their heads."""
    heads = (
        "| experiment | rows or calls | kills or faults | answers paid, by the provider"
        " | recorded | paid twice, counted | lost | exact |\n"
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | --- |"
    )
    return "\n".join([heads, *(row.line() for row in rows)])
