"""The two tables with a row a call. Both are partitioned by month on `created_at` (migration 0002):
the database's key is (id, created_at), Django's is id, and nothing may point at them."""

import uuid

from django.db import models
from django.db.models.functions import Now


class GenerationMetric(models.Model):
    """One finished generation, failed ones too; never its texts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    correlation_id = models.UUIDField(help_text="The call's own id; links to its history.")
    session_id = models.UUIDField(null=True, help_text="Its batch or conversation.")
    node_type = models.CharField(max_length=50, help_text="The interaction type.")
    service_name = models.CharField(max_length=100, help_text="Who called.")
    method_name = models.CharField(max_length=100, help_text="The node.")
    operation_type = models.CharField(max_length=100, db_default="", help_text="The enrichment.")
    tier = models.CharField(max_length=50, help_text="The tier of the model that answered.")
    provider = models.CharField(max_length=50, db_default="")
    model_used = models.CharField(max_length=200)
    tokens_input = models.IntegerField(db_default=0, help_text="All prompt tokens.")
    tokens_output = models.IntegerField(db_default=0, help_text="All answer tokens.")
    tokens_total = models.IntegerField(db_default=0)
    tokens_cached_input = models.IntegerField(
        db_default=0, help_text="Of the prompt tokens, those read from the provider's cache."
    )
    tokens_cache_write = models.IntegerField(
        db_default=0, help_text="Of the prompt tokens, those written to the provider's cache."
    )
    tokens_reasoning = models.IntegerField(
        db_default=0, help_text="Of the answer tokens, those spent on reasoning."
    )
    latency_ms = models.FloatField(db_default=0.0, help_text="The whole call, retries included.")
    cost_usd = models.DecimalField(
        max_digits=16, decimal_places=10, null=True, help_text="Blank: no price was known."
    )
    syntax_valid = models.BooleanField(null=True)
    onex_compliant = models.BooleanField(null=True)
    has_type_hints = models.BooleanField(null=True)
    security_issues = models.JSONField(null=True)
    finish_reason = models.CharField(max_length=50, null=True)
    truncated = models.BooleanField(db_default=False)
    prompt_length = models.IntegerField(db_default=0, help_text="Characters sent.")
    response_length = models.IntegerField(db_default=0, help_text="Characters received.")
    error_code = models.CharField(max_length=50, db_default="", help_text="Blank: it succeeded.")
    attempts = models.JSONField(db_default=models.Value([], models.JSONField()))
    dropped_params = models.JSONField(db_default=models.Value([], models.JSONField()))
    config_revision = models.BigIntegerField(null=True)
    organization_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "llm_generation_metrics"
        managed = False
        ordering = ["-created_at"]
        verbose_name = "call"

    def __str__(self) -> str:
        return f"{self.method_name} by {self.model_used}"


class GenerationHistory(models.Model):
    """The texts of one generation and what people thought of it; kept for a shorter time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    correlation_id = models.UUIDField()
    node_type = models.CharField(max_length=50)
    method_name = models.CharField(max_length=100)
    prompt_text = models.TextField()
    generated_code = models.TextField(help_text="The answer, whatever it is.")
    quality_score = models.FloatField(null=True)
    validation_passed = models.BooleanField(db_default=False)
    user_accepted = models.BooleanField(null=True)
    user_feedback = models.TextField(null=True)
    manual_edits_required = models.BooleanField(null=True)

    class Meta:
        db_table = "llm_generation_history"
        managed = False
        ordering = ["-created_at"]
        verbose_name_plural = "generation history"

    def __str__(self) -> str:
        return f"{self.method_name} {self.correlation_id}"
