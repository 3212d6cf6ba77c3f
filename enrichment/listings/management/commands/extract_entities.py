"""`manage.py extract_entities`."""

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Find what listings name."""

    help = "Find what listings name; doubtful entities wait for a reviewer."
    enrichment = "entity_extraction"
