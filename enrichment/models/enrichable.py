"""What a table needs so that batches can enrich its rows."""

from django.db import models


class Enrichable(models.Model):
    """A row that remembers when it was enriched, and by which model."""

    llm_processed_at = models.DateTimeField(null=True, blank=True, editable=False)
    llm_model_used = models.CharField(max_length=100, null=True, blank=True, editable=False)

    class Meta:
        abstract = True
