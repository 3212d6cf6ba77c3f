"""What people decided about answers, written to the history that the answers are in."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from msgspec import Struct

from llmconfig.runtime.records import asdict
from metrics.models import GenerationHistory, GenerationMetric
from metrics.quality import rules
from metrics.quality.parts import PERSON, ScorePart, score
from metrics.quality.stored import parts_in
from metrics.storable import storable

# The call came before its result; a provider's batch may take a day, and clocks differ.
BEFORE = dt.timedelta(days=2)
AFTER = dt.timedelta(hours=1)


class PersonsJudgement(Struct, frozen=True, kw_only=True):
    """What a person thinks of an answer: a thumb, a score from 0 to 1, a note; None: nothing."""

    thumb: bool | None = None
    score: float | None = None
    note: str | None = None


def judge(correlation_id: UUID, *, near: dt.datetime, judgement: PersonsJudgement) -> bool:
    """Note a person's judgement in place of an earlier one; False when the texts aren't kept.

    Quality reads thumbs as accepted and rejected, and a person's score in place of the checks'.
    """
    with transaction.atomic():
        row = (
            GenerationHistory.objects.select_for_update()
            .filter(correlation_id=correlation_id, created_at__range=_around(near))
            .only("created_at", "quality_parts")
            .first()
        )
        if row is None:
            return False
        parts = [part for part in parts_in(row.quality_parts) if part.check != PERSON]
        if judgement.score is not None:
            parts.append(ScorePart(PERSON, judgement.score, passed=True))
        GenerationHistory.objects.filter(pk=row.pk, created_at=row.created_at).update(
            user_accepted=judgement.thumb,
            user_feedback=storable(judgement.note or "") or None,
            quality_parts=[asdict(part) for part in parts] or None,
            quality_score=score(parts, _weights(correlation_id, near)),
        )
    return True


def judgement_of(row: GenerationHistory) -> PersonsJudgement:
    """What a person said of it so far."""
    given = [part.score for part in parts_in(row.quality_parts) if part.check == PERSON]
    return PersonsJudgement(
        thumb=row.user_accepted, score=given[0] if given else None, note=row.user_feedback
    )


def _weights(correlation_id: UUID, near: dt.datetime) -> Mapping[str, float]:
    operation = (
        GenerationMetric.objects.filter(
            correlation_id=correlation_id, created_at__range=_around(near)
        )
        .values_list("operation_type", flat=True)
        .first()
    )
    return rules.current().weights(operation or "")


def _around(near: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    return near - BEFORE, near + AFTER


def record_decision(
    correlation_id: UUID,
    *,
    near: dt.datetime,
    accepted: bool,
    feedback: str = "",
    edited: bool | None = None,
) -> bool:
    """Note a decision on the call's history; False when that isn't kept (any more).

    `near` is when the answer was stored: it keeps the search within one or two months' partitions.
    """
    return bool(
        GenerationHistory.objects.filter(
            correlation_id=correlation_id, created_at__range=_around(near)
        ).update(
            user_accepted=accepted, user_feedback=feedback or None, manual_edits_required=edited
        )
    )


def forget_decision(correlation_id: UUID, *, near: dt.datetime) -> bool:
    """Take a decision back that `record_decision` noted; False when the history isn't kept."""
    return bool(
        GenerationHistory.objects.filter(
            correlation_id=correlation_id, created_at__range=_around(near)
        ).update(user_accepted=None, user_feedback=None, manual_edits_required=None)
    )
