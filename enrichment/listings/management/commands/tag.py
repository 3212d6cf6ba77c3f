"""`manage.py tag`: tag listings in a batch."""

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Starts a batch that chooses the tags of listings."""

    help = "Choose the tags of listings; doubtful ones wait for a reviewer."
    enrichment = "tagging"
