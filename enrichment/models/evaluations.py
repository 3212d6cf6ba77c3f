"""Sets of rows with the answers that are wanted, and runs of prompts and models over them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.models.batches import Transport
from enrichment.models.results import ResultState


class RunStatus(models.TextChoices):
    """The states of a run."""

    WAITING = "waiting", _("Waiting for a worker")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")


GOING = frozenset({RunStatus.WAITING, RunStatus.RUNNING})


class WantedBy(models.TextChoices):
    """Who says what the answer should be."""

    NOBODY = "", _("Unknown")
    REVIEW = "review", _("A reviewer")
    ROW = "row", _("The row's current value")
    FILE = "file", _("A file")
    CALL = "call", _("The call's answer")


class EvaluationSet(models.Model):
    """One version of a set: rows of one enrichment as they said when it was made, or calls."""

    name = models.CharField(max_length=60, help_text=_("Lower-case letters, digits and hyphens."))
    version = models.PositiveIntegerField(
        help_text=_("Counts up; older versions stay as they are.")
    )
    enrichment = models.CharField(max_length=50, help_text=_("Blank: a set of recorded calls."))
    variant = models.CharField(max_length=35, blank=True, default="", help_text=_("The language."))
    node = models.CharField(
        max_length=100, blank=True, default="", db_default="",
        help_text=_("Whose recorded calls these are. Blank: a set of rows."),
    )  # fmt: skip
    note = models.CharField(max_length=200, blank=True, default="", help_text=_("What it is for."))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "enrichment_evaluation_sets"
        ordering = ["name", "-version"]
        verbose_name = _("set")
        constraints = [
            models.UniqueConstraint(
                name="enrichment_evaluation_sets_version", fields=["name", "version"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def of_what(self) -> str:
        """What its cases are, in words."""
        if not self.enrichment:
            return gettext("calls of {node}").format(node=self.node)
        return f"{self.enrichment} ({self.variant})" if self.variant else self.enrichment


class EvaluationCase(models.Model):
    """One row of a set: what its prompt is filled with, and the wanted answer where known."""

    id = models.BigAutoField(primary_key=True)
    evaluation_set = models.ForeignKey(
        EvaluationSet, on_delete=models.CASCADE, related_name="cases"
    )
    row_id = models.CharField(max_length=40)
    organization_id = models.BigIntegerField(null=True)
    values = models.JSONField(help_text=_("The values used in the prompt."))
    columns = models.JSONField(default=dict, help_text=_("Settings that shape the answer."))
    wanted = models.JSONField(null=True)
    wanted_by = models.CharField(
        max_length=10, choices=WantedBy, blank=True, default=WantedBy.NOBODY
    )

    class Meta:
        db_table = "enrichment_evaluation_cases"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="enrichment_evaluation_cases_once", fields=["evaluation_set", "row_id"]
            )
        ]

    def __str__(self) -> str:
        return self.row_id


class EvaluationRun(models.Model):
    """A prompt version, model or node over a set; nothing is written to the rows."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation_set = models.ForeignKey(EvaluationSet, on_delete=models.CASCADE, related_name="runs")
    label = models.CharField(max_length=100, blank=True, default="")
    node = models.CharField(max_length=100, help_text=_("The node whose configuration is used."))
    model = models.CharField(
        max_length=200, blank=True, default="", help_text=_("A reference. Blank: the node's own.")
    )
    prompt_version = models.PositiveIntegerField(
        null=True, help_text=_("0 is the built-in one. Blank: the one in use for each row.")
    )
    transport = models.CharField(
        max_length=20,
        choices=Transport,
        default=Transport.LIVE,
        db_default=Transport.LIVE.value,
        help_text=_("How calls reach the provider; unfinished rows continue as live calls."),
    )
    due_at = models.DateTimeField(
        db_default=Now(),
        editable=False,
        help_text=_("When rows are next handed over to the provider."),
    )
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.WAITING)
    status_reason = models.TextField(blank=True, default="")
    max_cost_usd = models.DecimalField(
        _("cap (USD)"), max_digits=16, decimal_places=10, null=True, help_text=_("Blank: none.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "enrichment_evaluation_runs"
        ordering = ["-created_at"]
        verbose_name = _("run")

    def __str__(self) -> str:
        said = self.label or self.model or self.node
        return f"{said} over {self.evaluation_set}"


class EvaluationAnswer(models.Model):
    """What a run made of one case, and what the gates said of it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="answers")
    case = models.ForeignKey(EvaluationCase, on_delete=models.CASCADE, related_name="answers")
    state = models.CharField(max_length=10, choices=ResultState)
    value = models.JSONField(null=True)
    reason = models.TextField(blank=True, default="")
    model_used = models.CharField(max_length=200, blank=True, default="")
    prompt_version = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=10, null=True)
    correlation_id = models.UUIDField(null=True)
    cascade = models.JSONField(
        null=True,
        help_text=_(
            "Its way through the run's cascade: which model answered, the cheaper model, its score,"
            " and whether both agree. Blank: no cascade."
        ),
    )

    class Meta:
        db_table = "enrichment_evaluation_answers"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="enrichment_evaluation_answers_once", fields=["run", "case"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.state}"
