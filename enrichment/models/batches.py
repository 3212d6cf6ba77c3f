"""The state of batches. It lives here and nowhere else; Celery only runs what this says."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class BatchStatus(models.TextChoices):
    """The states of a batch; `batches.lifecycle` holds the allowed moves."""

    PENDING = "pending", _("Waiting for a worker")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Cancelled")
    COMPLETED = "completed", _("Completed")


TERMINAL = frozenset({BatchStatus.CANCELLED, BatchStatus.COMPLETED})
WORKABLE = frozenset({BatchStatus.PENDING, BatchStatus.RUNNING})


class Transport(models.TextChoices):
    """How a batch's calls reach the provider: one by one, or as the provider's own batch."""

    LIVE = "live", _("One by one, now")
    PROVIDER_BATCH = (
        "provider_batch",
        _("As provider batches: half price, within 24 h"),
    )


class SubmissionState(models.TextChoices):
    """Where a batch of the provider's stands, as far as we know."""

    INTENDED = "intended", _("Being submitted")
    SUBMITTED = "submitted", _("In progress at the provider")
    APPLIED = "applied", _("Results written")
    FAILED = "failed", _("Ended without results; rows continue one by one")
    REPEATED = "repeated", _("Ended without results; rows are submitted again")


UNFINISHED = frozenset({SubmissionState.INTENDED, SubmissionState.SUBMITTED})


class ChunkStatus(models.TextChoices):
    """The states of a chunk of a batch's rows."""

    OPEN = "open", _("Open")
    AWAY = "away", _("At the provider")
    LEASED = "leased", _("In progress")
    DONE = "done", _("Done")


class ChunkStage(models.TextChoices):
    """What a chunk is to a cascade whose batch is left to a provider (`engine.submissions`)."""

    FIRST = "", _("First round")
    LEARN = "learn", _("Asked live, to learn from")
    SCORE = "score", _("Asked, until each cheap answer has its score")
    WAIT = "wait", _("Asked, until it is known which cheap answers are good enough")
    DEAR = "dear", _("For the node's own model")
    KEPT = "kept", _("Good cheap answers, until their audits are there")


class Batch(models.Model):
    """One enrichment over many rows, with its terms and its state."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    enrichment = models.CharField(max_length=50)
    params = models.JSONField(
        default=dict, blank=True, help_text=_("Languages, organization, limit.")
    )
    status = models.CharField(max_length=20, choices=BatchStatus, default=BatchStatus.PENDING)
    status_reason = models.TextField(blank=True, help_text=_("Why it is in this state."))
    force = models.BooleanField(default=False, help_text=_("Also enrich rows that are up to date."))
    write_size = models.PositiveIntegerField(
        null=True,
        help_text=_(
            "How many finished rows are written at once. Blank: as in the processing settings."
        ),
    )
    max_cost_usd = models.DecimalField(
        _("cap (USD)"),
        max_digits=16,
        decimal_places=10,
        null=True,
        help_text=_("In US dollars; the batch pauses when it is spent. Blank: none."),
    )
    priority = models.SmallIntegerField(
        default=0, help_text=_("Five more doubles the share of workers and rate limits.")
    )
    transport = models.CharField(
        max_length=20,
        choices=Transport,
        default=Transport.LIVE,
        help_text=_("How calls reach the provider; unfinished rows continue as live calls."),
    )
    automatic = models.BooleanField(
        default=False, editable=False, help_text=_("Started by automatic enrichment or tagging.")
    )
    # Where and when it was last let go on: its error budget and its pace count from there.
    tries_before = models.PositiveIntegerField(default=0, editable=False)
    failures_before = models.PositiveIntegerField(default=0, editable=False)
    finished_before = models.PositiveIntegerField(default=0, editable=False)
    repaid_before = models.PositiveIntegerField(default=0, editable=False)
    # How its last lane that failed did, and how many rows had been tried by then.
    lane_failure = models.CharField(max_length=100, blank=True, default="", editable=False)
    lane_failure_at = models.PositiveIntegerField(default=0, editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False)
    # What its calls wait for, as a lane noted it, and until when that holds.
    waits_for = models.TextField(blank=True, default="", editable=False)
    waits_until = models.DateTimeField(null=True, editable=False)
    # Paused by a spent budget: its id, and what it has to have left before the batch goes on.
    awaits_budget = models.BigIntegerField(null=True, editable=False)
    awaits_usd = models.DecimalField(max_digits=20, decimal_places=10, null=True, editable=False)
    # Calls by weight that it was served, while it has anything to do (`engine.turns`).
    served = models.FloatField(null=True, editable=False)
    rows_total = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "enrichment_batches"
        ordering = ["-created_at"]
        verbose_name_plural = _("batches")
        constraints = [
            models.CheckConstraint(
                name="enrichment_batches_cap_above_zero",
                condition=models.Q(max_cost_usd__isnull=True) | models.Q(max_cost_usd__gt=0),
                violation_error_message=_("A cap must be above 0."),
            ),
        ]
        indexes = [
            # Read by the reviver and the dashboard.
            models.Index(
                fields=["status"],
                name="idx_batches_unfinished",
                condition=models.Q(status__in=["pending", "running", "paused"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrichment} {str(self.id)[:8]}"


class BatchChunk(models.Model):
    """Some hundred rows of a batch, worked on under one lease.

    `started` counts the rows handed to the provider, in the order of `row_ids`; it is written
    before they are sent, so that what a killed worker had in flight is known exactly.
    """

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="chunks")
    variant = models.CharField(max_length=35, blank=True, help_text=_("The language, if any."))
    row_ids = ArrayField(models.CharField(max_length=40))
    failed_ids = ArrayField(
        models.CharField(max_length=40),
        default=list,
        help_text=_("Rows of this chunk that failed and will be retried."),
    )
    status = models.CharField(max_length=10, choices=ChunkStatus, default=ChunkStatus.OPEN)
    due_at = models.DateTimeField(db_default=Now())
    round = models.PositiveSmallIntegerField(default=0, help_text=_("Later rounds retry failures."))
    stage = models.CharField(
        max_length=5, blank=True, choices=ChunkStage, default="", db_default="", editable=False
    )
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    started = models.PositiveIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text=_("Workers that died on it; rows that kill workers are set aside.")
    )
    rows_done = models.PositiveIntegerField(default=0)
    rows_failed = models.PositiveIntegerField(default=0)
    rows_skipped = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0, help_text=_("Answers that were paid for."))
    calls_repaid = models.PositiveIntegerField(
        default=0, help_text=_("Calls whose answers were lost with a worker.")
    )
    tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    unpriced_calls = models.PositiveIntegerField(default=0)
    unpriced_tokens = models.BigIntegerField(
        db_default=0, help_text=_("Tokens of calls without a known price.")
    )

    class Meta:
        db_table = "enrichment_batch_chunks"
        ordering = ["id"]
        indexes = [
            # Read by the claim.
            models.Index(
                fields=["batch", "status", "due_at", "id"],
                name="idx_chunks_claim",
                condition=models.Q(status__in=["open", "leased"]),
            ),
        ]

    def __str__(self) -> str:
        return f"chunk {self.id}"


class ModelTurns(models.Model):
    """A model that unfinished batches ask, and what its batches were served together.

    Read and written by `engine.turns`, which deletes the row once nobody asks the model.
    """

    target = models.TextField(primary_key=True, help_text=_("Provider and model."))
    served = models.FloatField(help_text=_("Worker seconds, weighted by priority."))
    # Of the last minute or so, each older one counting half as much as the one after it.
    calls = models.FloatField(db_default=0.0)
    seconds = models.FloatField(db_default=0.0)

    class Meta:
        db_table = "enrichment_model_turns"
        verbose_name_plural = _("model turns")

    def __str__(self) -> str:
        return self.target


class ProviderBatchSubmission(models.Model):
    """A batch's chunk, or cases of a run, handed over as a batch of the provider's own.

    It is committed before that happens, and its id goes along as a marker: after a crash the
    provider's list tells whether it had happened. What found the queue full is handed over again as
    another submission.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chunk = models.ForeignKey(
        BatchChunk, null=True, on_delete=models.CASCADE, related_name="submissions"
    )
    run = models.ForeignKey(
        "enrichment.EvaluationRun",
        null=True,
        on_delete=models.CASCADE,
        related_name="submissions",
        help_text=_("The run whose rows it asks about. Blank: rows of a batch."),
    )
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    asks_cheap = models.BooleanField(
        default=False, db_default=False, help_text=_("Whether a cascade's cheaper model is asked.")
    )
    state = models.CharField(
        max_length=10, choices=SubmissionState, default=SubmissionState.INTENDED
    )
    # What was sent, in order: row id, input hash and prompt version.
    rows = models.JSONField(default=list)
    external_id = models.CharField(max_length=200, blank=True)
    detail = models.TextField(blank=True, help_text=_("What it waits for, or how it ended."))
    # US dollars: the most that it may cost, None without a price; what is written has cost, by
    # budget.
    held_usd = models.DecimalField(max_digits=16, decimal_places=10, null=True)
    costs = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "enrichment_provider_submissions"
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                name="enrichment_provider_submissions_of_one",
                condition=models.Q(chunk__isnull=False, run__isnull=True)
                | models.Q(chunk__isnull=True, run__isnull=False),
            ),
        ]
        indexes = [
            # Read by the timer that looks after them.
            models.Index(
                fields=["created_at"],
                name="idx_submissions_unfinished",
                condition=models.Q(state__in=["intended", "submitted"]),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.pk)
