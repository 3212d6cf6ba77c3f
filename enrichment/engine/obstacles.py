"""What speaks against a lane's work before it pays for anything."""

from django.db import DatabaseError, ProgrammingError

from enrichment.batches.creation import check_allowed
from enrichment.engine import refusals, writing
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError
from enrichment.models import Batch
from llmconfig.runtime import database_clock
from metrics import partitions, recording
from metrics.errors import PartitionsUnusable


def obstacle(batch: Batch) -> str:
    """Why nothing that it is paid for could be used; blank when nothing speaks against it."""
    try:
        enrichment = get(batch.enrichment)
        check_allowed(enrichment)
        database_clock.compare()
        if behind := _behind():
            return behind
        partitions.ensure_this_month()
        writing.rehearse(enrichment)
    except EnrichmentError as error:  # switched off, or gone from the code
        return str(error)
    except PartitionsUnusable as error:
        return f"Its calls couldn't be recorded. {error}"
    except DatabaseError as error:
        if not refusals.is_refusal(error):
            raise
        return f"Its results couldn't be written. {refusals.why(error)}"
    return ""


def _behind() -> str:
    """What the tables lack, where this code runs before its migrations; blank when nothing."""
    try:
        recording.rehearse()
    except ProgrammingError as error:
        said = str(error).partition("\n")[0]
        return f"The tables aren't this release's: {said}. Run `migrate`, then resume the batch."
    return ""
