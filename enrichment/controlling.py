"""A batch controlled by function calls, and what one would cost, for a project's code."""

from decimal import Decimal
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from enrichment import forecast as forecasts
from enrichment.batches import lifecycle
from enrichment.batches import undo as undoing
from enrichment.batches.undo import UndoReport
from enrichment.errors import BadSelection
from enrichment.forecast import Forecast
from enrichment.lane_queue import start_lanes_after_commit
from enrichment.models import Batch
from enrichment.running import Kind, Rows, RunOptions, known, selected, terms_of

BatchOrKey = Batch | UUID | str


def forecast(enrichment: Kind, rows: Rows = None, **options: Unpack[RunOptions]) -> Forecast:
    """What `run` would do and cost with the same arguments: rows, calls, tokens, US dollars.

    Nobody is called and nothing is written. Raises what `run` raises.
    """
    found = known(enrichment)
    return forecasts.forecast(found.name, selected(found, rows, options))


def pause(batch: BatchOrKey) -> Batch:
    """Send nothing more; what is in flight is still written.

    Raises NotAllowedNow where it has ended, and BadSelection where there is none.
    """
    found = _stored(batch)
    lifecycle.pause(found)
    return _fresh(found)


def resume(batch: BatchOrKey, *, cap_usd: Decimal | float | str | None = None) -> Batch:
    """Go on where it stopped, perhaps under another cap in US dollars, and tell workers.

    Raises NotAllowedNow where it isn't paused, its cap is spent or calls are off, BadSelection for
    a cap that is none, and NoWorkers as `run`.
    """
    found = _stored(batch)
    cap = terms_of({} if cap_usd is None else {"cap_usd": cap_usd}).max_cost_usd
    lifecycle.resume(found, max_cost_usd=cap)
    start_lanes_after_commit(found)
    return _fresh(found)


def cancel(batch: BatchOrKey) -> Batch:
    """End it for good; what is written stays, and can be undone. Raises as `pause`."""
    found = _stored(batch)
    lifecycle.cancel(found)
    return _fresh(found)


def retry(batch: BatchOrKey) -> Batch:
    """Try the failed rows of a completed batch again, and tell workers.

    Raises NotAllowedNow where there are none, and NoWorkers as `run`.
    """
    found = _stored(batch)
    lifecycle.retry_failed(found)
    start_lanes_after_commit(found)
    return _fresh(found)


def undo(batch: BatchOrKey) -> UndoReport:
    """Put the values from before back; what somebody has changed since is left and named.

    Raises NotAllowedNow while it runs.
    """
    return undoing.undo(_stored(batch))


def _stored(batch: BatchOrKey) -> Batch:
    key = batch.pk if isinstance(batch, Batch) else batch
    try:
        return Batch.objects.get(pk=key)
    except (Batch.DoesNotExist, ValidationError):
        raise BadSelection(
            gettext("batch: there is none with the id {key}.").format(key=key), field="batch"
        ) from None


def _fresh(batch: Batch) -> Batch:
    """As it stands by now."""
    batch.refresh_from_db()
    return batch
