"""Experiments on nodes, with history like all configuration."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from llmconfig.migrations._history import record_history_of


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0002_history_triggers_and_tier_view"),
    ]

    operations = [
        migrations.CreateModel(
            name="Experiment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Each call's record carries it.",
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
                                "Use letters, digits, _, . and -, at most 100, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "description",
                    models.TextField(blank=True, help_text="What you want to find out."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("running", "Running"),
                            ("stopped", "Stopped"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("stopped_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "node",
                    models.ForeignKey(
                        help_text="The node whose calls are divided among the arms.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experiments",
                        to="llmconfig.nodeconfiguration",
                    ),
                ),
            ],
            options={
                "db_table": "llm_experiments",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ExperimentArm",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Each call's record carries it. An arm that overrides nothing is the control.",
                        max_length=100,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
                                "Use letters, digits, _, . and -, at most 100, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Share of the keys among the arms. Changing it moves only the keys it must.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>. Blank: inherited.",
                        max_length=200,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        blank=True,
                        help_text="Name of the provider asked for the model. Blank: found by the model.",
                        max_length=50,
                    ),
                ),
                (
                    "temperature",
                    models.FloatField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arms",
                        to="llmconfig.experiment",
                    ),
                ),
            ],
            options={
                "verbose_name": "arm",
                "db_table": "llm_experiment_arms",
                "ordering": ["experiment", "name"],
            },
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")),
                fields=("node",),
                name="llm_experiments_one_running_per_node",
                violation_error_message="Another experiment is running on this node; stop it.",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "running", "stopped"])),
                name="llm_experiments_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(
                fields=("experiment", "name"), name="llm_experiment_arms_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 1), ("weight__lte", 10000)),
                name="llm_experiment_arms_weight_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("temperature__isnull", True),
                    models.Q(("temperature__gte", 0), ("temperature__lte", 2)),
                    _connector="OR",
                ),
                name="llm_experiment_arms_temperature_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_tokens__isnull", True), ("max_tokens__gte", 1), _connector="OR"
                ),
                name="llm_experiment_arms_max_tokens_positive",
            ),
        ),
        record_history_of("llm_experiments"),
        record_history_of("llm_experiment_arms"),
    ]
