"""Experiments: which of several arms answers a node's calls, sticky by the caller's key."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from llmconfig.models.assignments import (
    REFERENCE_HELP,
    REFERENCE_RULE,
    TEMPERATURE_RULES,
    NodeConfiguration,
    allow_unlisted_field,
)

NAME_RULE = RegexValidator(
    r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
    _("Use letters, digits, _, . and -, at most 100, starting with a letter or digit."),
)


class ExperimentStatus(models.TextChoices):
    """Only a running experiment changes calls."""

    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    STOPPED = "stopped", _("Stopped")


class ExperimentMode(models.TextChoices):
    """What an arm's calls are for."""

    SPLIT = "split", _("Split traffic")
    SHADOW = "shadow", _("Shadow: the control answers, variants run beside it")


MARGIN_RULES = [MinValueValidator(0.0), MaxValueValidator(10.0)]


class Experiment(models.Model):
    """A comparison of arms on one node; at most one runs on a node at a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=100,
        unique=True,
        validators=[NAME_RULE],
        help_text=_("Recorded with each call."),
    )
    node = models.ForeignKey(
        NodeConfiguration,
        on_delete=models.CASCADE,
        related_name="experiments",
        help_text=_("The node whose calls are split among the variants."),
    )
    description = models.TextField(blank=True, help_text=_("What you want to find out."))
    mode = models.CharField(
        max_length=10,
        choices=ExperimentMode,
        default=ExperimentMode.SPLIT,
        help_text=_("Shadow answers are paid for and recorded, but never used."),
    )
    fewest_calls = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(30)],
        help_text=_("Calls that a variant needs before it is judged."),
    )
    most_quality_loss = models.FloatField(
        null=True,
        blank=True,
        default=0.05,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_(
            "How far success rate, acceptance rate and quality score may fall below the "
            "control's: 0.05 is five percentage points. Blank: no gate."
        ),
    )
    most_cost_increase = models.FloatField(
        null=True,
        blank=True,
        default=0.25,
        validators=MARGIN_RULES,
        help_text=_(
            "How much more a call may cost than the control's: 0.25 is a quarter more. "
            "Blank: no gate."
        ),
    )
    most_latency_increase = models.FloatField(
        null=True,
        blank=True,
        default=0.25,
        validators=MARGIN_RULES,
        help_text=_(
            "How much slower a call may be than the control's: 0.25 is a quarter slower. "
            "Blank: no gate."
        ),
    )
    status = models.CharField(
        max_length=10,
        choices=ExperimentStatus,
        default=ExperimentStatus.DRAFT,
        editable=False,
    )
    promoted_arm = models.CharField(
        max_length=100,
        blank=True,
        editable=False,
        help_text=_("The variant that was promoted."),
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_experiments"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                name="llm_experiments_one_running_per_node",
                fields=["node"],
                condition=models.Q(status=ExperimentStatus.RUNNING),
                violation_error_message=_("Another experiment is running on this node; stop it."),
            ),
            models.CheckConstraint(
                name="llm_experiments_status_known",
                condition=models.Q(status__in=ExperimentStatus.values),
            ),
            models.CheckConstraint(
                name="llm_experiments_mode_known",
                condition=models.Q(mode__in=ExperimentMode.values),
            ),
            models.CheckConstraint(
                name="llm_experiments_fewest_calls_enough",
                condition=models.Q(fewest_calls__gte=30),
            ),
            models.CheckConstraint(
                name="llm_experiments_margins_in_range",
                condition=(
                    (
                        models.Q(most_quality_loss__isnull=True)
                        | models.Q(most_quality_loss__gte=0, most_quality_loss__lte=1)
                    )
                    & (
                        models.Q(most_cost_increase__isnull=True)
                        | models.Q(most_cost_increase__gte=0, most_cost_increase__lte=10)
                    )
                    & (
                        models.Q(most_latency_increase__isnull=True)
                        | models.Q(most_latency_increase__gte=0, most_latency_increase__lte=10)
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentArm(models.Model):
    """One side of an experiment: its share of the keys, and what it overrides on the node."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(
        max_length=100,
        validators=[NAME_RULE],
        help_text=_("Recorded with each call. A variant without overrides is the control."),
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text=_("Share of the keys. Changing it moves as few keys as possible."),
    )
    model = models.CharField(
        max_length=200, blank=True, validators=[REFERENCE_RULE], help_text=REFERENCE_HELP
    )
    provider = models.CharField(
        max_length=50,
        blank=True,
        help_text=_(
            "Name of the provider that serves the model. Blank: found by the model's name."
        ),
    )
    temperature = models.FloatField(
        null=True, blank=True, validators=TEMPERATURE_RULES, help_text=_("Blank: not overridden.")
    )
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Blank: not overridden."),
    )
    allow_unlisted_models = allow_unlisted_field()

    class Meta:
        db_table = "llm_experiment_arms"
        ordering = ["experiment", "name"]
        verbose_name = _("variant")
        constraints = [
            models.UniqueConstraint(
                name="llm_experiment_arms_unique", fields=["experiment", "name"]
            ),
            models.CheckConstraint(
                name="llm_experiment_arms_weight_range",
                condition=models.Q(weight__gte=1, weight__lte=10_000),
            ),
            models.CheckConstraint(
                name="llm_experiment_arms_temperature_range",
                condition=models.Q(temperature__isnull=True)
                | models.Q(temperature__gte=0, temperature__lte=2),
            ),
            models.CheckConstraint(
                name="llm_experiment_arms_max_tokens_positive",
                condition=models.Q(max_tokens__isnull=True) | models.Q(max_tokens__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experiment}: {self.name}"

    @property
    def is_control(self) -> bool:
        return not (self.model or self.provider) and self.temperature is self.max_tokens is None
