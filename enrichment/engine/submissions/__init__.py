"""Chunks that the provider works off as batches of its own: handed over once, applied once.

`rounds` looks after all of them, `hand_over` begins one, `polling` asks where it stands, `results`
reads and writes its answers, and `fall_back` decides what becomes of rows without one.
"""

from enrichment.engine.submissions.calls import CHANGED
from enrichment.engine.submissions.rounds import SETTLE, advance

__all__ = ["CHANGED", "SETTLE", "advance"]
