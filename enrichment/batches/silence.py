"""Why a batch makes no progress: told after five seconds, on its page, in the API and by commands.

The lane that works on it notes what its calls wait for; what no lane can tell is read off the
batch and its chunks.
"""

import datetime as dt
from uuid import UUID

from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext, ngettext
from msgspec import Struct

from enrichment.models import Batch, BatchStatus
from enrichment.models.batches import WORKABLE
from metrics.models import GenerationMetric

SILENT_SECONDS = 5.0
NOTE_SECONDS = 15.0  # a note holds so long; the lane repeats it


class ChunkCounts(Struct, frozen=True):
    """How many of a batch's chunks stand how, at a moment of the database's clock."""

    now: dt.datetime
    in_work: int
    claimable: int
    away: int
    due_at: dt.datetime | None


def note(batch_id: UUID, reason: str) -> None:
    """A lane tells what its calls wait for; blank when they wait no longer."""
    until = Now() + Value(dt.timedelta(seconds=NOTE_SECONDS if reason else 0))
    Batch.objects.filter(pk=batch_id).update(waits_for=reason, waits_until=until)


def why_silent(batch: Batch, standing: ChunkCounts) -> str:
    """What an unfinished batch waits for; blank while it gets on."""
    if batch.status not in WORKABLE:
        return ""
    noted_until = batch.waits_until
    if batch.waits_for and noted_until is not None and noted_until > standing.now:
        return batch.waits_for
    since = batch.resumed_at or batch.started_at or batch.created_at
    if standing.in_work or (standing.now - since).total_seconds() < SILENT_SECONDS:
        return ""
    return _nobody_took(batch) if batch.status == BatchStatus.PENDING else _no_lane(batch, standing)


def _no_lane(batch: Batch, standing: ChunkCounts) -> str:
    if standing.claimable:
        return gettext(
            "No worker works on it now. The next one begins within 30 seconds if workers, Celery"
            " beat and the broker (REDIS_URL) run."
        )
    if standing.away:
        return ngettext(
            "{number} of its chunks is with the provider, which takes up to a day.",
            "{number} of its chunks are with the provider, which takes up to a day.",
            standing.away,
        ).format(number=standing.away)
    if standing.due_at is not None:
        again = gettext("Its failed rows are tried again at {time} UTC.").format(
            time=f"{standing.due_at.astimezone(dt.UTC):%H:%M:%S}"
        )
        return f"{again} {_last_failure(batch)}".strip()
    return ""


def _last_failure(batch: Batch) -> str:
    """What a call of it was told last; blank where no record of one is stored."""
    failed = GenerationMetric.objects.filter(session_id=batch.pk, created_at__gte=batch.created_at)
    call = failed.exclude(error_code="").order_by("-created_at").first()
    if call is None or not call.attempts:
        return ""
    last = call.attempts[-1]
    said = f" ({last['detail']})" if last.get("detail") else ""
    return gettext("The last said: {answer}.").format(
        answer=f"{last['provider']}/{last['model']}: {last['outcome']}{said}"
    )


def _nobody_took(batch: Batch) -> str:
    other = Batch.objects.filter(status=BatchStatus.RUNNING).exclude(pk=batch.pk).first()
    if other is not None:
        return gettext("The workers are busy with {batch}; this one follows.").format(batch=other)
    return gettext(
        "No worker has taken it yet: start one with `celery -A project worker`, or run the command"
        " with --inline."
    )
