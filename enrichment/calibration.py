"""How often a model was right that said how sure it was: from reviewers' decisions, part by part.

A reviewer sees a whole answer, sure and doubtful parts alike, and what they leave or take out says
which were right. Only answers with a doubt come to review, so this speaks of those.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from enrichment.cascades.promise import proportion_interval
from enrichment.enrichments.contract import Enrichment
from enrichment.models import EnrichmentResult

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0001)  # 1 belongs to the last one
FLOORS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
RISK = 0.05  # that a proposed threshold doesn't hold the precision
MAX_RESULTS = 20_000  # the newest ones


class ConfidenceBand(Struct, frozen=True):
    """Parts with a confidence from `least` on, below `below`, and how many of them were right.

    `low` and `high` are the exact interval (95 %) of the share.
    """

    least: float
    below: float
    parts: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """How many were right, from 0 to 1; None without parts."""
        return self.right / self.parts if self.parts else None

    @property
    def percents(self) -> tuple[int, int, int]:
        """The share and its interval in whole percents, for people."""
        return round(100 * (self.share or 0.0)), round(100 * self.low), round(100 * self.high)


class Calibration(Struct, frozen=True):
    """What reviewers' decisions say of one model's confidence in one enrichment.

    `floor` is the proposed least confidence: the lowest for which the parts at or above it are
    right in `precision` of the cases, with a risk of 5 %. None: no threshold is known to be.
    """

    enrichment: str
    model: str
    source: str  # who says how sure it is: log_probabilities or self_reported
    bands: tuple[ConfidenceBand, ...]
    precision: float
    floor: float | None
    kept: float  # the share of the parts at or above the floor

    @property
    def parts(self) -> int:
        """How many parts were decided on."""
        return sum(band.parts for band in self.bands)

    @property
    def source_label(self) -> str:
        """Who says how sure it is, in words."""
        return self.source.replace("_", " ")

    @property
    def percent_kept(self) -> int:
        """The share at or above the floor in whole percents."""
        return round(100 * self.kept)


def decided_parts(
    enrichment: Enrichment, before: Any, kept: Any, applied: Any = None
) -> list[list[float | bool]] | None:
    """The confidence of each part of an answer and whether it stands; None where none is stated.

    `before` is what the reviewer saw, `kept` what they left. Parts that were `applied` before, and
    that no decision asked about, are left out.
    """
    left, untouched = enrichment.rated(kept), enrichment.rated(applied)
    found: list[list[float | bool]] = [
        [confidence, name in left]
        for name, confidence in enrichment.rated(before).items()
        if name not in untouched
    ]
    return found or None


def calibrations(enrichment: Enrichment, *, precision: float) -> list[Calibration]:
    """By model and source of the confidence, those with most decisions first."""
    results = EnrichmentResult.objects.filter(
        enrichment=enrichment.name, decided_parts__isnull=False
    ).order_by("-id")
    by_model: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    columns = ("model_used", "confidence_source", "decided_parts")
    for model, source, parts in results.values_list(*columns)[:MAX_RESULTS]:
        by_model[model, source] += [(float(confidence), bool(right)) for confidence, right in parts]
    made = [
        _calibration(enrichment.name, model, source, parts, precision)
        for (model, source), parts in by_model.items()
    ]
    return sorted(made, key=lambda each: -each.parts)


def _calibration(
    name: str, model: str, source: str, parts: Sequence[tuple[float, bool]], precision: float
) -> Calibration:
    floor = proposed_floor(parts, precision)
    above = sum(confidence >= floor for confidence, _ in parts) if floor is not None else 0
    return Calibration(
        name, model, source, tuple(_bands(parts)), precision, floor, above / max(1, len(parts))
    )


def _bands(parts: Sequence[tuple[float, bool]]) -> Iterable[ConfidenceBand]:
    for least, below in pairwise(BANDS):
        inside = [right for confidence, right in parts if least <= confidence < below]
        low, high = proportion_interval(sum(inside), len(inside))
        yield ConfidenceBand(least, min(1.0, below), len(inside), sum(inside), low, high)


def proposed_floor(parts: Sequence[tuple[float, bool]], precision: float) -> float | None:
    """The lowest of FLOORS at or above which parts are right in `precision` of the cases.

    Each floor is tested at an equal share of the risk (Bonferroni), so that looking at many of them
    makes none look good by chance.
    """
    risk = RISK / len(FLOORS)
    for floor in FLOORS:
        above = [right for confidence, right in parts if confidence >= floor]
        # The lower end of an interval with twice the risk is a bound with the risk on one side.
        if proportion_interval(sum(above), len(above), 2 * risk)[0] >= precision:
            return floor
    return None
