"""Seed 4's tables; the two with a row a call are partitioned by month."""

import uuid

import django.contrib.postgres.functions
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models

import metrics.models.calls
from metrics.migrations._partitioned import CreatePartitionedModel


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        CreatePartitionedModel(
            name="GenerationHistory",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "correlation_id",
                    models.UUIDField(help_text="The call's own id; links to its metrics."),
                ),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                ("prompt_text", models.TextField(help_text="What was sent.")),
                ("generated_code", models.TextField(help_text="The answer, whatever it is.")),
                (
                    "quality_score",
                    models.FloatField(help_text="From 0 to 1. Blank: not scored.", null=True),
                ),
                (
                    "validation_passed",
                    models.BooleanField(
                        db_default=False, help_text="The call ended without an error."
                    ),
                ),
                (
                    "user_accepted",
                    models.BooleanField(help_text="Blank: nobody has judged it.", null=True),
                ),
                ("user_feedback", models.TextField(help_text="The reviewer's words.", null=True)),
                (
                    "manual_edits_required",
                    models.BooleanField(
                        help_text="A person had to change the answer before it was used.", null=True
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "generation history",
                "db_table": "llm_generation_history",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["correlation_id"], name="idx_llm_history_correlation"),
                    models.Index(fields=["-quality_score"], name="idx_llm_history_quality"),
                    models.Index(fields=["node_type"], name="idx_llm_history_node_type"),
                    metrics.models.calls.LongNamedIndex(
                        fields=["validation_passed", "-quality_score"],
                        name="idx_llm_history_validation_quality",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quality_score__isnull", True),
                            models.Q(("quality_score__gte", 0), ("quality_score__lte", 1)),
                            _connector="OR",
                        ),
                        name="llm_history_quality_between_0_and_1",
                    )
                ],
            },
        ),
        CreatePartitionedModel(
            name="GenerationMetric",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "correlation_id",
                    models.UUIDField(help_text="The call's own id; links to its history."),
                ),
                ("session_id", models.UUIDField(help_text="Its batch or conversation.", null=True)),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("service_name", models.CharField(help_text="Who called.", max_length=100)),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "operation_type",
                    models.CharField(db_default="", help_text="The enrichment.", max_length=100),
                ),
                (
                    "tier",
                    models.CharField(
                        db_default="",
                        help_text="The tier of the model that answered, if it has one.",
                        max_length=50,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        db_default="", help_text="The provider that answered last.", max_length=50
                    ),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                ("tokens_input", models.IntegerField(db_default=0, help_text="All prompt tokens.")),
                (
                    "tokens_output",
                    models.IntegerField(db_default=0, help_text="All answer tokens."),
                ),
                (
                    "tokens_total",
                    models.IntegerField(db_default=0, help_text="Prompt and answer tokens."),
                ),
                (
                    "tokens_cached_input",
                    models.IntegerField(
                        db_default=0,
                        help_text="Of the prompt tokens, those read from the provider's cache.",
                    ),
                ),
                (
                    "tokens_cache_write",
                    models.IntegerField(
                        db_default=0,
                        help_text="Of the prompt tokens, those written to the provider's cache.",
                    ),
                ),
                (
                    "tokens_reasoning",
                    models.IntegerField(
                        db_default=0, help_text="Of the answer tokens, those spent on reasoning."
                    ),
                ),
                (
                    "latency_ms",
                    models.FloatField(
                        db_default=0.0, help_text="The whole call, retries included."
                    ),
                ),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="All paid attempts together, in US dollars. Blank: no price was known.",
                        max_digits=16,
                        null=True,
                    ),
                ),
                ("syntax_valid", models.BooleanField(help_text="Blank: not checked.", null=True)),
                ("onex_compliant", models.BooleanField(help_text="Blank: not checked.", null=True)),
                ("has_type_hints", models.BooleanField(help_text="Blank: not checked.", null=True)),
                ("security_issues", models.JSONField(help_text="Blank: not checked.", null=True)),
                (
                    "finish_reason",
                    models.CharField(
                        help_text="Why the model stopped, in the provider's word.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "truncated",
                    models.BooleanField(
                        db_default=False, help_text="The answer was cut at its token limit."
                    ),
                ),
                ("prompt_length", models.IntegerField(db_default=0, help_text="Characters sent.")),
                (
                    "response_length",
                    models.IntegerField(db_default=0, help_text="Characters received."),
                ),
                (
                    "error_code",
                    models.CharField(
                        db_default="", help_text="Blank: it succeeded.", max_length=50
                    ),
                ),
                (
                    "attempts",
                    models.JSONField(
                        db_default=models.Value([], models.JSONField()),
                        help_text="Each request to a provider, in order.",
                    ),
                ),
                (
                    "dropped_params",
                    models.JSONField(
                        db_default=models.Value([], models.JSONField()),
                        help_text="Parameters left out because the model refuses them.",
                    ),
                ),
                (
                    "config_revision",
                    models.BigIntegerField(
                        help_text="The configuration's revision that the call was resolved with.",
                        null=True,
                    ),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(help_text="The caller's organization.", null=True),
                ),
                (
                    "user_id",
                    models.BigIntegerField(help_text="The user whose choices applied.", null=True),
                ),
            ],
            options={
                "verbose_name": "call",
                "db_table": "llm_generation_metrics",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["correlation_id"], name="idx_llm_metrics_correlation"),
                    models.Index(fields=["session_id"], name="idx_llm_metrics_session"),
                    models.Index(fields=["node_type"], name="idx_llm_metrics_node_type"),
                    models.Index(fields=["model_used"], name="idx_llm_metrics_model"),
                    models.Index(fields=["-created_at"], name="idx_llm_metrics_created"),
                    models.Index(fields=["tier", "model_used"], name="idx_llm_metrics_tier_model"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("tokens_cache_write__gte", 0),
                            ("tokens_cached_input__gte", 0),
                            ("tokens_input__gte", 0),
                            ("tokens_output__gte", 0),
                            ("tokens_reasoning__gte", 0),
                        ),
                        name="llm_metrics_tokens_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "tokens_total",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("tokens_input"), "+", models.F("tokens_output")
                                ),
                            )
                        ),
                        name="llm_metrics_tokens_total_is_sum",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "tokens_input__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("tokens_cached_input"),
                                    "+",
                                    models.F("tokens_cache_write"),
                                ),
                            )
                        ),
                        name="llm_metrics_cached_within_input",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tokens_output__gte", models.F("tokens_reasoning"))),
                        name="llm_metrics_reasoning_within_output",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cost_usd__isnull", True),
                            models.Q(("cost_usd__gte", 0), ("cost_usd__lt", 1000000)),
                            _connector="OR",
                        ),
                        name="llm_metrics_cost_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_ms__gte", 0),
                            ("prompt_length__gte", 0),
                            ("response_length__gte", 0),
                        ),
                        name="llm_metrics_sizes_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pattern",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "pattern_type",
                    models.CharField(
                        choices=[
                            ("high_quality_prompt", "High-quality prompt"),
                            ("common_error", "Common error"),
                            ("successful_implementation", "Successful implementation"),
                        ],
                        help_text="What was learned.",
                        max_length=50,
                    ),
                ),
                (
                    "node_type",
                    models.CharField(
                        blank=True,
                        help_text="The interaction type that it was found in. Blank: all.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "pattern_data",
                    models.JSONField(help_text="Templates, examples or errors, as JSON."),
                ),
                (
                    "usage_count",
                    models.IntegerField(db_default=0, help_text="How often it was used."),
                ),
                (
                    "avg_quality_score",
                    models.FloatField(
                        help_text="Mean quality, from 0 to 1, of the answers that it was found in.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("last_used_at", models.DateTimeField(help_text="Blank: never used.", null=True)),
            ],
            options={
                "db_table": "llm_patterns",
                "ordering": ["-usage_count"],
                "indexes": [
                    models.Index(fields=["pattern_type"], name="idx_llm_patterns_type"),
                    models.Index(fields=["node_type"], name="idx_llm_patterns_node_type"),
                    models.Index(fields=["-avg_quality_score"], name="idx_llm_patterns_quality"),
                    models.Index(fields=["-usage_count"], name="idx_llm_patterns_usage"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("usage_count__gte", 0)),
                        name="llm_patterns_usage_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("avg_quality_score__isnull", True),
                            models.Q(("avg_quality_score__gte", 0), ("avg_quality_score__lte", 1)),
                            _connector="OR",
                        ),
                        name="llm_patterns_quality_between_0_and_1",
                    ),
                ],
            },
        ),
    ]
