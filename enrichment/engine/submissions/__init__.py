"""What a provider works off as batches of its own: handed over once, applied once.

`rounds` looks after all of a batch's chunks, `hand_over` begins one, `polling` asks where it
stands, `results` reads and writes its answers, and `fall_back` decides what becomes of rows without
one. `polling` and `reading` know nothing of chunks: an evaluation's runs go by them, too.
"""

from enrichment.engine.submissions.calls import CHANGED
from enrichment.engine.submissions.rounds import SETTLE, advance

__all__ = ["CHANGED", "SETTLE", "advance"]
