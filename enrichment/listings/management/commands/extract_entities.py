"""`manage.py extract_entities`: find entities in listings in a batch."""

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Starts a batch that finds what listings name."""

    help = "Find what listings name; doubtful entities wait for a reviewer."
    enrichment = "entity_extraction"
