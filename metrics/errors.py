"""What metrics raises.

MetricsError
└── PartitionsUnusable      the partitioned tables can't be kept; the text says what to do
"""


class MetricsError(Exception):
    """The root."""


class PartitionsUnusable(MetricsError):
    """A partitioned table is missing, or a partition is in the way of another."""
