"""Batches that start by themselves: they keep up what a person has begun.

`auto_enrichment` and `auto_tagging` are on from the start, so a run takes few rows, and
only of enrichments that a person has carried to an end over the whole table once: importing it, or
trying a few of its rows, spends nothing more.
"""

import datetime as dt

from django.db import connection

from enrichment.batches import creation
from enrichment.batches.creation import Selection, Terms
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.models import Batch, BatchStatus, EnrichmentResult, ResultState
from enrichment.models.batches import TERMINAL
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.errors import LLMError
from llmconfig.runtime import advisory_locks, database_clock
from llmconfig.runtime.direct_sessions import direct_session

# The switch in `llm_config`, and the enrichments that it keeps up.
SWITCHES = {
    "auto_enrichment": ("description_cleaning", "dog_profiler"),
    "auto_tagging": ("tagging",),
}
BEHIND_PEOPLES = -10  # a priority


@direct_session()
def start_due() -> list[Batch]:
    """Make the batches that are due; the caller queues their lanes. Empty while another does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [advisory_locks.AUTOMATIC_BATCHES])
        if not cursor.fetchone()[0]:
            return []
        try:
            made = [_start(name) for name in _switched_on()]
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.AUTOMATIC_BATCHES])
    return [batch for batch in made if batch is not None]


def _switched_on() -> list[str]:
    processing = snapshot.current().processing
    if not processing.get("enabled", False):
        return []
    return [name for switch, names in SWITCHES.items() if processing.get(switch) for name in names]


def _start(name: str) -> Batch | None:
    """A batch of the rows that are due, None when there is nothing to do or it isn't allowed."""
    enrichment = get(name)
    if not (_allowed(enrichment) and _begun_by_a_person(name)):
        return None
    if Batch.objects.filter(enrichment=name).exclude(status__in=TERMINAL).exists():
        return None
    rows = creation.rows_to_do(enrichment, Selection(), variant="").exclude(
        pk__in=_failed_lately(enrichment)
    )
    limit: int = snapshot.current().setting("LLM_AUTO_BATCH_ROWS")
    ids = [str(key) for key in rows.values_list("pk", flat=True)[:limit]]
    if not ids:
        return None
    return creation.create(
        name, Selection(ids=ids), terms=Terms(priority=BEHIND_PEOPLES, automatic=True)
    )


def _allowed(enrichment: Enrichment) -> bool:
    """Whether its feature is on and somebody would answer."""
    configuration = snapshot.current()
    if not configuration.setting(enrichment.feature):
        return False
    try:
        return bool(resolve(enrichment.node, snapshot=configuration).targets)
    except LLMError:
        return False


def _begun_by_a_person(name: str) -> bool:
    """Whether a person's batch over the whole table has come to its end and done something."""
    return Batch.objects.filter(
        enrichment=name,
        params__whole_table=True,
        automatic=False,
        status=BatchStatus.COMPLETED,
        rows_total__gt=0,
    ).exists()


def _failed_lately(enrichment: Enrichment) -> list[object]:
    """Rows that failed within the retry delay; after it they get another try."""
    delay = dt.timedelta(seconds=snapshot.current().processing.get("retry_delay", 0))
    failed = EnrichmentResult.objects.filter(
        enrichment=enrichment.name,
        target=enrichment.target,
        variant="",
        state=ResultState.FAILED,
        created_at__gte=database_clock.now() - delay,
    )
    keys = failed.values_list("row_id", flat=True)
    return [enrichment.checked_key(key) for key in keys]
