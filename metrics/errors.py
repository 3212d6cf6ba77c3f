"""What metrics raises.

MetricsError
├── PartitionsUnusable      the partitioned tables can't be kept; the text says what to do
├── TookTooLong             the database was asked for more than a page may wait for
├── ProposalSettled         a proposal was decided on already, or is gone
├── ExportUnreadable        a provider's export can't be imported; the text names the lines
└── Unanswerable            a report was asked for that can't be made; the text names why
    └── UnknownDimension    calls can't be told apart by this
"""

from msgspec import Struct


class MetricsError(Exception):
    """The base of all errors of this app."""


class PartitionsUnusable(MetricsError):
    """A partitioned table is missing, or a partition is in the way of another."""


class BadLine(Struct, frozen=True):
    """A line that can't be understood, by its number in the file."""

    number: int
    reason: str


class ExportUnreadable(MetricsError):
    """An export of no known shape, or with bad lines, which `bad` lists."""

    code = "export_unreadable"

    def __init__(self, message: str, *, bad: tuple[BadLine, ...] = ()) -> None:
        super().__init__(message)
        self.bad = bad


class TookTooLong(MetricsError):
    """A query that was ended because it took longer than it may."""

    code = "took_too_long"


class Unanswerable(MetricsError):
    """A question that can't be answered as it was asked."""

    code = "unanswerable"


class UnknownDimension(Unanswerable):
    """Not one of the names that calls can be told apart by."""

    code = "unknown_dimension"


class ProposalSettled(MetricsError):
    """Somebody has decided on this proposal, or nothing speaks for it any more."""

    code = "proposal_settled"
