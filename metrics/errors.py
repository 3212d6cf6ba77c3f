"""What metrics raises.

MetricsError
├── PartitionsUnusable      the partitioned tables can't be kept; the text says what to do
├── ProposalSettled         a proposal was decided on already, or is gone
└── Unanswerable            a report was asked for that can't be made; the text names why
    └── UnknownDimension    calls can't be told apart by this
"""


class MetricsError(Exception):
    """The root."""


class PartitionsUnusable(MetricsError):
    """A partitioned table is missing, or a partition is in the way of another."""


class Unanswerable(MetricsError):
    """A question that can't be answered as it was asked."""

    code = "unanswerable"


class UnknownDimension(Unanswerable):
    """Not one of the names that calls can be told apart by."""

    code = "unknown_dimension"


class ProposalSettled(MetricsError):
    """Somebody has decided on this proposal, or nothing speaks for it any more."""

    code = "proposal_settled"
