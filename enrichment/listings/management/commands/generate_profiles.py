"""`manage.py generate_profiles`: write personality profiles in a batch."""

from enrichment.management.batch_command import BatchCommand


class Command(BatchCommand):
    """Starts a batch that writes personality profiles of listings."""

    help = "Write personality profiles of listings."
    enrichment = "dog_profiler"
