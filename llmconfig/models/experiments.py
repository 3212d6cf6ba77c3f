"""Experiments: which of several arms answers a node's calls, sticky by the caller's key."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from llmconfig.models.assignments import REFERENCE_HELP, TEMPERATURE_RULES, NodeConfiguration

NAME_RULE = RegexValidator(
    r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
    "Use letters, digits, _, . and -, at most 100, starting with a letter or digit.",
)


class ExperimentStatus(models.TextChoices):
    """Only a running experiment changes calls."""

    DRAFT = "draft", "Draft"
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"


class Experiment(models.Model):
    """A comparison of arms on one node; at most one runs on a node at a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=100,
        unique=True,
        validators=[NAME_RULE],
        help_text="Each call's record carries it.",
    )
    node = models.ForeignKey(
        NodeConfiguration,
        on_delete=models.CASCADE,
        related_name="experiments",
        help_text="The node whose calls are divided among the arms.",
    )
    description = models.TextField(blank=True, help_text="What you want to find out.")
    status = models.CharField(
        max_length=10,
        choices=ExperimentStatus,
        default=ExperimentStatus.DRAFT,
        editable=False,
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
                violation_error_message="Another experiment is running on this node; stop it.",
            ),
            models.CheckConstraint(
                name="llm_experiments_status_known",
                condition=models.Q(status__in=ExperimentStatus.values),
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
        help_text="Each call's record carries it. An arm that overrides nothing is the control.",
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Share of the keys among the arms. Changing it moves only the keys it must.",
    )
    model = models.CharField(max_length=200, blank=True, help_text=REFERENCE_HELP)
    provider = models.CharField(
        max_length=50,
        blank=True,
        help_text="Name of the provider asked for the model. Blank: found by the model.",
    )
    temperature = models.FloatField(
        null=True, blank=True, validators=TEMPERATURE_RULES, help_text="Blank: not overridden."
    )
    max_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Blank: not overridden."
    )

    class Meta:
        db_table = "llm_experiment_arms"
        ordering = ["experiment", "name"]
        verbose_name = "arm"
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
