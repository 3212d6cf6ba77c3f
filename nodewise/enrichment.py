"""Enriching a table's rows, for a project's code: `from nodewise import enrichment`.

docs/python-api.md shows each name; docs/enrichments.md says what an enrichment declares. What is
imported from here comes with its first use, so that models and settings may name it early.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enrichment.batches.progress import Progress
    from enrichment.batches.progress import progress_of as progress
    from enrichment.batches.undo import UndoReport
    from enrichment.controlling import cancel, forecast, pause, resume, retry, undo
    from enrichment.enrichments import register
    from enrichment.enrichments.contract import Enrichment, PromptText
    from enrichment.enrichments.whole_answer import complete_text
    from enrichment.errors import (
        AnswerRejected,
        BadSelection,
        EnrichmentError,
        FeatureOff,
        NotAllowedNow,
        NoWorkers,
        UnknownEnrichment,
    )
    from enrichment.forecast import Forecast
    from enrichment.management.batch_command import BatchCommand
    from enrichment.models import Batch, Enrichable
    from enrichment.running import aenrich_one, arun, enrich_one, run
    from enrichment.signals import batch_ended, batch_paused
    from enrichment.single import SingleResult

__all__ = [
    "AnswerRejected",
    "BadSelection",
    "Batch",
    "BatchCommand",
    "Enrichable",
    "Enrichment",
    "EnrichmentError",
    "FeatureOff",
    "Forecast",
    "NoWorkers",
    "NotAllowedNow",
    "Progress",
    "PromptText",
    "SingleResult",
    "UndoReport",
    "UnknownEnrichment",
    "aenrich_one",
    "arun",
    "batch_ended",
    "batch_paused",
    "cancel",
    "complete_text",
    "enrich_one",
    "forecast",
    "pause",
    "progress",
    "register",
    "resume",
    "retry",
    "run",
    "undo",
]
_HOMES = {
    "Batch": "models",
    "BatchCommand": "management.batch_command",
    "Enrichable": "models",
    "Enrichment": "enrichments.contract",
    "Forecast": "forecast",
    "Progress": "batches.progress",
    "PromptText": "enrichments.contract",
    "SingleResult": "single",
    "UndoReport": "batches.undo",
    "batch_ended": "signals",
    "batch_paused": "signals",
    "complete_text": "enrichments.whole_answer",
    "progress": "batches.progress",
    "register": "enrichments",
    **dict.fromkeys(("aenrich_one", "arun", "enrich_one", "run"), "running"),
    **dict.fromkeys(("cancel", "forecast", "pause", "resume", "retry", "undo"), "controlling"),
}
_NAMES_THERE = {"progress": "progress_of"}


def __getattr__(name: str) -> Any:
    """Import what is asked for; the next time it is simply here."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"enrichment.{_HOMES.get(name, 'errors')}")
    found = globals()[name] = getattr(module, _NAMES_THERE.get(name, name))
    return found
