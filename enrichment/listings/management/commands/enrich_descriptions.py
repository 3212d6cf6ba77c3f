"""`manage.py enrich_descriptions`: clean listings' descriptions in a batch."""

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Starts a batch that cleans the descriptions of listings."""

    help = "Clean the descriptions of listings."
    enrichment = "description_cleaning"
