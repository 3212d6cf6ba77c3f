"""The score that stands beside a call's texts, as long as these are kept."""

import datetime as dt
from typing import Any
from uuid import UUID

from metrics.models import GenerationHistory
from metrics.quality.parts import ScorePart

# Other programs may write both rows at times of their own.
APART = dt.timedelta(days=1)


def history_of(correlation_id: UUID, *, near: dt.datetime) -> GenerationHistory | None:
    """What is kept of a call's texts, without these; `near` is when it was made."""
    return (
        GenerationHistory.objects.filter(
            correlation_id=correlation_id, created_at__range=(near - APART, near + APART)
        )
        .only("quality_score", "quality_parts")
        .first()
    )


def stored_parts(row: GenerationHistory | None) -> list[ScorePart]:
    """A score's parts; none when the answer wasn't checked or its texts are gone."""
    return parts_in(row.quality_parts if row else None)


def parts_in(stored: Any) -> list[ScorePart]:
    """The parts in the column's value; passes over what isn't ours."""
    return [
        ScorePart(
            each["check"],
            float(each["score"]),
            bool(each["passed"]),
            tuple(each["notes"]),
            tuple(each.get("codes", ())),
        )
        for each in (stored if isinstance(stored, list) else [])
        if isinstance(each, dict) and {"check", "score", "passed", "notes"} <= each.keys()
    ]
