"""enrichment: models over every row of a table."""

from django.apps import AppConfig


class EnrichmentConfig(AppConfig):
    """Stands on metrics and llmconfig."""

    name = "enrichment"
    verbose_name = "Enrichment"
