"""What people decided about answers, written to the history that the answers are in."""

import datetime as dt
from uuid import UUID

from metrics.models import GenerationHistory

# The call came before its result; a provider's batch may take a day, and clocks differ.
BEFORE = dt.timedelta(days=2)
AFTER = dt.timedelta(hours=1)


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
            correlation_id=correlation_id, created_at__range=(near - BEFORE, near + AFTER)
        ).update(
            user_accepted=accepted, user_feedback=feedback or None, manual_edits_required=edited
        )
    )


def forget_decision(correlation_id: UUID, *, near: dt.datetime) -> bool:
    """Take a decision back that `record_decision` noted; False when the history isn't kept."""
    return bool(
        GenerationHistory.objects.filter(
            correlation_id=correlation_id, created_at__range=(near - BEFORE, near + AFTER)
        ).update(user_accepted=None, user_feedback=None, manual_edits_required=None)
    )
