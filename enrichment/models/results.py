"""What a model made of a row, and what became of it."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from enrichment.models.batches import Batch


class ResultState(models.TextChoices):
    """The states of a result for one row, from skipped to undone."""

    APPLIED = "applied", _("Applied")
    SUGGESTED = "suggested", _("Suggested")
    REJECTED = "rejected", _("Rejected")
    UNDONE = "undone", _("Undone")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Skipped")


class EnrichmentResult(models.Model):
    """One result of one enrichment for one row (and one variant, such as a language)."""

    id = models.BigAutoField(primary_key=True)
    # Found by the constraint below; an index of its own would cost each result a write.
    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, null=True, db_index=False, related_name="results"
    )
    enrichment = models.CharField(max_length=50)
    target = models.CharField(max_length=100, help_text=_("The table, as app.model."))
    row_id = models.CharField(max_length=40)
    variant = models.CharField(max_length=35, blank=True, default="")
    state = models.CharField(max_length=10, choices=ResultState)
    reason = models.TextField(
        blank=True, default="", help_text=_("Why it failed, was skipped, or waits for review.")
    )
    findings = models.JSONField(
        null=True,
        help_text=_("The gates' objections: a code, a text and data of each."),
    )
    input_hash = models.CharField(max_length=32, help_text=_("Of the fields that were read."))
    facts = models.JSONField(
        null=True,
        help_text=_(
            "By source: hashes of what it was asked with and of what it said, and where that"
            " is kept."
        ),
    )
    prompt_version = models.PositiveIntegerField(null=True)
    model_used = models.CharField(max_length=200, blank=True, default="")
    config_revision = models.BigIntegerField(null=True)
    correlation_id = models.UUIDField(null=True)
    value = models.JSONField(null=True)
    previous_value = models.JSONField(null=True)
    suggestion = models.JSONField(
        null=True,
        help_text=_("The complete value, including parts that were not confident enough to apply."),
    )
    confidence = models.FloatField(
        null=True,
        help_text=_("From 0 to 1, of the least confident part. Blank: none stated."),
    )
    confidence_source = models.CharField(
        max_length=20, blank=True, db_default="", help_text=_("Where the confidence comes from.")
    )
    decided_parts = models.JSONField(
        null=True,
        help_text=_("A review decision by part: the model's confidence, and whether it was kept."),
    )
    before_decision = models.JSONField(
        null=True,
        help_text=_("The result and its row before the decision, for an undo."),
    )
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="+",
    )
    reviewed_at = models.DateTimeField(null=True, help_text=_("When a person decided on it."))
    cost_usd = models.DecimalField(max_digits=16, decimal_places=10, null=True)
    cascade = models.JSONField(
        null=True,
        help_text=_(
            "Its way through the batch's cascade: which model answered, the cheaper model, "
            "its score, and whether both agree. Blank: no cascade."
        ),
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "enrichment_results"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="enrichment_results_once_per_batch",
                fields=["batch", "row_id", "variant"],
                condition=models.Q(batch__isnull=False),
            ),
        ]
        indexes = [
            # Read by staleness and by a row's page: the newest result of each kind.
            models.Index(
                fields=["enrichment", "target", "row_id", "variant", "-id"],
                name="idx_results_row",
            ),
            # Read by the review queue.
            models.Index(
                fields=["-id"],
                name="idx_results_to_review",
                condition=models.Q(state="suggested") | models.Q(suggestion__isnull=False),
            ),
            # Read by a batch's page: what failed, without a look at what didn't.
            models.Index(
                fields=["batch", "-id"],
                name="idx_results_failed",
                condition=models.Q(state="failed"),
            ),
            # Read by the calibration of confidences.
            models.Index(
                fields=["enrichment", "-id"],
                name="idx_results_decided_parts",
                condition=models.Q(decided_parts__isnull=False),
            ),
            # Read when a user is deleted.
            models.Index(
                fields=["reviewed_by"],
                name="idx_results_reviewed_by",
                condition=models.Q(reviewed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrichment}, {self.target} {self.row_id}"
