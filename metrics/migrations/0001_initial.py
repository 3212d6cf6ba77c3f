"""Calls, their texts and their sums; partitions from last month to a year ahead."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import metrics.models.calls
from llmconfig.migrations._sql import InstallSQL
from metrics import partitions
from metrics.migrations._compression import compress_by_lz4
from metrics.migrations._partitioned import CreatePartitionedModel, comment_columns

PARTITIONED = ("llm_generation_metrics", "llm_generation_history")
COMPRESSED = {
    "llm_generation_metrics": ("attempts", "dropped_params", "security_issues"),
    "llm_generation_history": ("prompt_text", "generated_code", "user_feedback"),
}
# GenerationMetric and GenerationHistory have comments from CreatePartitionedModel.
COMMENTED = ("HourlyRollup", "DailyRollup", "OverviewRollup", "HourlyQuality", "DailyQuality")


def compress(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for table, columns in COMPRESSED.items():
        compress_by_lz4(schema_editor, table, columns)


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in COMMENTED:
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


def make_partitions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """llm_partitions makes the later ones; dropping a table drops them all."""
    partitions.keep_ahead(using=schema_editor.connection.alias, tables=PARTITIONED, months_back=1)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # for llm_record_change(), which the history trigger calls
        ("llmconfig", "0001_initial"),
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="WaitingAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("correlation_id", models.UUIDField(help_text="Its call.")),
                (
                    "created_at",
                    models.DateTimeField(
                        help_text="When the call was made: the month it is kept in."
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="Whose rules apply.", max_length=100),
                ),
                (
                    "taken_at",
                    models.DateTimeField(
                        help_text="When a worker took it. Blank: none has.", null=True
                    ),
                ),
                (
                    "tries",
                    models.SmallIntegerField(
                        db_default=0, help_text="How many workers have taken it."
                    ),
                ),
            ],
            options={
                "db_table": "llm_quality_waiting",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WeeklyReport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "week_start",
                    models.DateField(
                        help_text="The Monday that the week begins with.", unique=True
                    ),
                ),
                ("figures", models.JSONField(help_text="All that the text may say.")),
                ("text", models.TextField(help_text="The report.")),
                (
                    "written_by",
                    models.CharField(
                        blank=True,
                        help_text="The model that wrote it. Blank: none did.",
                        max_length=300,
                    ),
                ),
                (
                    "remark",
                    models.CharField(
                        blank=True, help_text="Why no model wrote it, if none did.", max_length=300
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "sent_at",
                    models.DateTimeField(help_text="When it was sent by email.", null=True),
                ),
            ],
            options={
                "db_table": "llm_weekly_reports",
                "ordering": ["-week_start"],
            },
        ),
        migrations.CreateModel(
            name="BilledUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.CharField(help_text="The provider's name here.", max_length=50),
                ),
                ("day", models.DateField(help_text="In UTC, as providers count.")),
                ("model", models.CharField(help_text="As the provider writes it.", max_length=200)),
                (
                    "requests",
                    models.BigIntegerField(help_text="Blank: the export doesn't say.", null=True),
                ),
                (
                    "tokens_input",
                    models.BigIntegerField(help_text="Blank: the export doesn't say.", null=True),
                ),
                (
                    "tokens_output",
                    models.BigIntegerField(help_text="Blank: the export doesn't say.", null=True),
                ),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="Blank: the export doesn't say.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                (
                    "imported_at",
                    models.DateTimeField(auto_now=True, help_text="When it was last imported."),
                ),
            ],
            options={
                "verbose_name": "billed usage",
                "verbose_name_plural": "billed usage",
                "db_table": "llm_billed_usage",
                "ordering": ["-day", "provider", "model"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "day", "model"), name="llm_billed_usage_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("requests__isnull", True), ("requests__gte", 0), _connector="OR"
                            ),
                            models.Q(
                                ("tokens_input__isnull", True),
                                ("tokens_input__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("tokens_output__isnull", True),
                                ("tokens_output__gte", 0),
                                _connector="OR",
                            ),
                        ),
                        name="llm_billed_usage_counts_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DailyQuality",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(
                        help_text="The provider that answered last.", max_length=50, null=True
                    ),
                ),
                (
                    "model_used",
                    models.CharField(
                        help_text="The model that answered last.", max_length=200, null=True
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="The enrichment.", max_length=100, null=True),
                ),
                (
                    "prompt_version",
                    models.IntegerField(help_text="The version of its prompt.", null=True),
                ),
                ("answers", models.BigIntegerField(help_text="How many.")),
                (
                    "passed",
                    models.BigIntegerField(help_text="Of these, how many no check held back."),
                ),
                ("judged", models.BigIntegerField(help_text="How many people judged.")),
                (
                    "accepted",
                    models.BigIntegerField(help_text="Of the judged, how many were accepted."),
                ),
                (
                    "edited",
                    models.BigIntegerField(help_text="Of the judged, how many had to be changed."),
                ),
                ("scored", models.BigIntegerField(help_text="How many have a score.")),
                ("score_sum", models.FloatField(help_text="Their scores together.")),
                (
                    "score_squares",
                    models.FloatField(help_text="The squares of these scores together."),
                ),
                (
                    "syntax_checked",
                    models.BigIntegerField(help_text="How many the check of syntax looked at."),
                ),
                (
                    "syntax_valid",
                    models.BigIntegerField(help_text="Of these, how many were valid."),
                ),
                (
                    "hints_checked",
                    models.BigIntegerField(help_text="How many the check of type hints looked at."),
                ),
                (
                    "hints_given",
                    models.BigIntegerField(help_text="Of these, how many had all of them."),
                ),
                (
                    "onex_checked",
                    models.BigIntegerField(help_text="How many the ONEX check looked at."),
                ),
                (
                    "onex_compliant",
                    models.BigIntegerField(help_text="Of these, how many were compliant."),
                ),
                (
                    "security_checked",
                    models.BigIntegerField(help_text="How many the security scanner looked at."),
                ),
                (
                    "security_clean",
                    models.BigIntegerField(help_text="Of these, how many it had nothing against."),
                ),
            ],
            options={
                "db_table": "llm_quality_daily",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_quality_day")],
            },
        ),
        migrations.CreateModel(
            name="DailyRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                ("error_code", models.CharField(help_text="Blank: they succeeded.", max_length=50)),
                ("calls", models.BigIntegerField(help_text="How many.")),
                (
                    "unpriced",
                    models.BigIntegerField(help_text="Of these, how many have no known cost."),
                ),
                (
                    "cache_hits",
                    models.BigIntegerField(help_text="Of these, how many the cache answered."),
                ),
                ("tokens_input", models.BigIntegerField(help_text="All prompt tokens.")),
                ("tokens_output", models.BigIntegerField(help_text="All answer tokens.")),
                (
                    "tokens_cached_input",
                    models.BigIntegerField(help_text="Read from providers' caches."),
                ),
                (
                    "tokens_cache_write",
                    models.BigIntegerField(help_text="Written to providers' caches."),
                ),
                ("tokens_reasoning", models.BigIntegerField(help_text="Spent on reasoning.")),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="US dollars for the priced calls. Blank: none has a price.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "saved_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="What the cache's answers had cost. Blank: none, or unknown.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "latency_sum_ms",
                    models.FloatField(help_text="All calls' time together, retries included."),
                ),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        help_text="Classes of latency: n holds 2^(n/8) to 2^((n+1)/8) ms, 0 also what is faster.",
                        size=None,
                    ),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="How many calls are in each of these classes.",
                        size=None,
                    ),
                ),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("service_name", models.CharField(help_text="Who called.", max_length=100)),
                ("operation_type", models.CharField(help_text="The enrichment.", max_length=100)),
                (
                    "tier",
                    models.CharField(
                        help_text="The tier of the model that answered.", max_length=50
                    ),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(help_text="The caller's organization.", null=True),
                ),
            ],
            options={
                "db_table": "llm_metrics_daily",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_daily_period")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_sum_ms__gte", 0), ("latency_sum_ms__lt", 1e18)
                        ),
                        name="llm_metrics_daily_latency_is_a_number",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DirtyHour",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(help_text="When it begins, in UTC.")),
            ],
            options={
                "db_table": "llm_rollup_dirty",
                "indexes": [models.Index(fields=["hour"], name="idx_llm_rollup_dirty_hour")],
            },
        ),
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
                    "quality_parts",
                    models.JSONField(
                        help_text="What the score is made of: each check with its own score and reasons.",
                        null=True,
                    ),
                ),
                (
                    "validation_passed",
                    models.BooleanField(
                        db_default=False,
                        help_text="The call ended without an error, and no check holds its answer back.",
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
                    models.Index(
                        fields=["-created_at"],
                        include=(
                            "method_name",
                            "validation_passed",
                            "user_accepted",
                            "manual_edits_required",
                            "quality_score",
                        ),
                        name="idx_llm_history_created",
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
                (
                    "account",
                    models.CharField(
                        db_default="",
                        help_text="Whose budget it counts for, such as an API key's.",
                        max_length=100,
                    ),
                ),
                (
                    "cache_hit",
                    models.BooleanField(
                        db_default=False,
                        help_text="Answered from the response cache, without a request.",
                    ),
                ),
                (
                    "saved_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="What the answer had cost when it was first given, in US dollars.",
                        max_digits=16,
                        null=True,
                    ),
                ),
                (
                    "experiment",
                    models.CharField(
                        db_default="",
                        help_text="The experiment that the call took part in.",
                        max_length=100,
                    ),
                ),
                (
                    "experiment_arm",
                    models.CharField(
                        db_default="", help_text="The arm that its key belongs to.", max_length=100
                    ),
                ),
                (
                    "prompt_version",
                    models.IntegerField(
                        help_text="The version of the operation's prompt; 0 ships with it. Blank: none was told.",
                        null=True,
                    ),
                ),
                (
                    "original_cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="The cost before `llm_reprice` corrected it. Blank: not corrected, or unpriced.",
                        max_digits=16,
                        null=True,
                    ),
                ),
                (
                    "repriced_at",
                    models.DateTimeField(
                        help_text="When `llm_reprice` last corrected the cost.", null=True
                    ),
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
                    models.Index(
                        condition=models.Q(("experiment", ""), _negated=True),
                        fields=["experiment", "created_at"],
                        name="idx_llm_metrics_experiment",
                    ),
                    models.Index(fields=["tier", "model_used"], name="idx_llm_metrics_tier_model"),
                    models.Index(
                        condition=models.Q(("error_code", ""), _negated=True),
                        fields=["-created_at"],
                        name="idx_llm_metrics_failed",
                    ),
                    models.Index(
                        condition=models.Q(("cost_usd__isnull", True)),
                        fields=["-created_at"],
                        name="idx_llm_metrics_unpriced",
                    ),
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
                            ("saved_usd__isnull", True),
                            models.Q(("saved_usd__gte", 0), ("saved_usd__lt", 1000000)),
                            _connector="OR",
                        ),
                        name="llm_metrics_saved_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_ms__gte", 0),
                            ("prompt_length__gte", 0),
                            ("response_length__gte", 0),
                        ),
                        name="llm_metrics_sizes_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("latency_ms__lt", 1000000000000.0)),
                        name="llm_metrics_latency_is_a_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HourlyQuality",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(
                        help_text="The provider that answered last.", max_length=50, null=True
                    ),
                ),
                (
                    "model_used",
                    models.CharField(
                        help_text="The model that answered last.", max_length=200, null=True
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="The enrichment.", max_length=100, null=True),
                ),
                (
                    "prompt_version",
                    models.IntegerField(help_text="The version of its prompt.", null=True),
                ),
                ("answers", models.BigIntegerField(help_text="How many.")),
                (
                    "passed",
                    models.BigIntegerField(help_text="Of these, how many no check held back."),
                ),
                ("judged", models.BigIntegerField(help_text="How many people judged.")),
                (
                    "accepted",
                    models.BigIntegerField(help_text="Of the judged, how many were accepted."),
                ),
                (
                    "edited",
                    models.BigIntegerField(help_text="Of the judged, how many had to be changed."),
                ),
                ("scored", models.BigIntegerField(help_text="How many have a score.")),
                ("score_sum", models.FloatField(help_text="Their scores together.")),
                (
                    "score_squares",
                    models.FloatField(help_text="The squares of these scores together."),
                ),
                (
                    "syntax_checked",
                    models.BigIntegerField(help_text="How many the check of syntax looked at."),
                ),
                (
                    "syntax_valid",
                    models.BigIntegerField(help_text="Of these, how many were valid."),
                ),
                (
                    "hints_checked",
                    models.BigIntegerField(help_text="How many the check of type hints looked at."),
                ),
                (
                    "hints_given",
                    models.BigIntegerField(help_text="Of these, how many had all of them."),
                ),
                (
                    "onex_checked",
                    models.BigIntegerField(help_text="How many the ONEX check looked at."),
                ),
                (
                    "onex_compliant",
                    models.BigIntegerField(help_text="Of these, how many were compliant."),
                ),
                (
                    "security_checked",
                    models.BigIntegerField(help_text="How many the security scanner looked at."),
                ),
                (
                    "security_clean",
                    models.BigIntegerField(help_text="Of these, how many it had nothing against."),
                ),
            ],
            options={
                "db_table": "llm_quality_hourly",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_quality_hour")],
            },
        ),
        migrations.CreateModel(
            name="HourlyRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                ("error_code", models.CharField(help_text="Blank: they succeeded.", max_length=50)),
                ("calls", models.BigIntegerField(help_text="How many.")),
                (
                    "unpriced",
                    models.BigIntegerField(help_text="Of these, how many have no known cost."),
                ),
                (
                    "cache_hits",
                    models.BigIntegerField(help_text="Of these, how many the cache answered."),
                ),
                ("tokens_input", models.BigIntegerField(help_text="All prompt tokens.")),
                ("tokens_output", models.BigIntegerField(help_text="All answer tokens.")),
                (
                    "tokens_cached_input",
                    models.BigIntegerField(help_text="Read from providers' caches."),
                ),
                (
                    "tokens_cache_write",
                    models.BigIntegerField(help_text="Written to providers' caches."),
                ),
                ("tokens_reasoning", models.BigIntegerField(help_text="Spent on reasoning.")),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="US dollars for the priced calls. Blank: none has a price.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "saved_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="What the cache's answers had cost. Blank: none, or unknown.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "latency_sum_ms",
                    models.FloatField(help_text="All calls' time together, retries included."),
                ),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        help_text="Classes of latency: n holds 2^(n/8) to 2^((n+1)/8) ms, 0 also what is faster.",
                        size=None,
                    ),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="How many calls are in each of these classes.",
                        size=None,
                    ),
                ),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("service_name", models.CharField(help_text="Who called.", max_length=100)),
                ("operation_type", models.CharField(help_text="The enrichment.", max_length=100)),
                (
                    "tier",
                    models.CharField(
                        help_text="The tier of the model that answered.", max_length=50
                    ),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(help_text="The caller's organization.", null=True),
                ),
            ],
            options={
                "db_table": "llm_metrics_hourly",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_hourly_period")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_sum_ms__gte", 0), ("latency_sum_ms__lt", 1e18)
                        ),
                        name="llm_metrics_hourly_latency_is_a_number",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OverviewRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                ("error_code", models.CharField(help_text="Blank: they succeeded.", max_length=50)),
                ("calls", models.BigIntegerField(help_text="How many.")),
                (
                    "unpriced",
                    models.BigIntegerField(help_text="Of these, how many have no known cost."),
                ),
                (
                    "cache_hits",
                    models.BigIntegerField(help_text="Of these, how many the cache answered."),
                ),
                ("tokens_input", models.BigIntegerField(help_text="All prompt tokens.")),
                ("tokens_output", models.BigIntegerField(help_text="All answer tokens.")),
                (
                    "tokens_cached_input",
                    models.BigIntegerField(help_text="Read from providers' caches."),
                ),
                (
                    "tokens_cache_write",
                    models.BigIntegerField(help_text="Written to providers' caches."),
                ),
                ("tokens_reasoning", models.BigIntegerField(help_text="Spent on reasoning.")),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="US dollars for the priced calls. Blank: none has a price.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "saved_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="What the cache's answers had cost. Blank: none, or unknown.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "latency_sum_ms",
                    models.FloatField(help_text="All calls' time together, retries included."),
                ),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        help_text="Classes of latency: n holds 2^(n/8) to 2^((n+1)/8) ms, 0 also what is faster.",
                        size=None,
                    ),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="How many calls are in each of these classes.",
                        size=None,
                    ),
                ),
            ],
            options={
                "db_table": "llm_metrics_overview",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_overview_period")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("latency_sum_ms__gte", 0), ("latency_sum_ms__lt", 1e18)
                        ),
                        name="llm_metrics_overview_latency_is_a_number",
                    )
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
                (
                    "fingerprint",
                    models.CharField(
                        editable=False,
                        help_text="By which mining knows it again. Blank: another program's.",
                        max_length=64,
                        null=True,
                    ),
                ),
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
                    models.UniqueConstraint(
                        fields=("fingerprint",), name="llm_patterns_fingerprint"
                    ),
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
        migrations.CreateModel(
            name="QualityRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(
                        blank=True,
                        help_text="The kind of work, such as an enrichment's name or the operation that a caller gives. Blank: all that have no rule of their own.",
                        max_length=100,
                        verbose_name="operation",
                    ),
                ),
                (
                    "check_name",
                    models.CharField(
                        help_text="What is looked at.", max_length=50, verbose_name="check"
                    ),
                ),
                (
                    "weight",
                    models.FloatField(
                        default=1.0,
                        help_text="How much it counts in the score, beside the other checks' weights. 0: it is shown, but doesn't count.",
                    ),
                ),
                (
                    "schema",
                    models.JSONField(
                        blank=True,
                        help_text="For the JSON check: the JSON Schema that answers must obey. Blank: they only have to be JSON.",
                        null=True,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Off: not checked.", verbose_name="active"
                    ),
                ),
            ],
            options={
                "db_table": "llm_quality_rules",
                "ordering": ["operation_type", "check_name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operation_type", "check_name"),
                        name="llm_quality_rules_once",
                        violation_error_message="This operation has a rule for this check already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 0), ("weight__lte", 100)),
                        name="llm_quality_rules_weight_range",
                        violation_error_message="A weight is from 0 to 100.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PromptProposal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "operation_type",
                    models.CharField(
                        help_text="Whose prompt.", max_length=100, verbose_name="operation"
                    ),
                ),
                (
                    "prompt_version",
                    models.IntegerField(
                        help_text="The version that the answers were made with.",
                        verbose_name="version in use",
                    ),
                ),
                (
                    "better_version",
                    models.IntegerField(
                        help_text="An older version to go back to. Blank: the one in use is kept.",
                        null=True,
                    ),
                ),
                (
                    "instruction",
                    models.TextField(
                        blank=True, help_text="What is added at the end of the instructions."
                    ),
                ),
                (
                    "worded_by",
                    models.CharField(
                        blank=True,
                        help_text="The model that worded it. Blank: fixed rules did.",
                        max_length=300,
                    ),
                ),
                (
                    "findings",
                    models.JSONField(
                        help_text="The evidence: each finding with its counts, examples."
                    ),
                ),
                ("findings_key", models.CharField(editable=False, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("adopted", "Adopted"),
                            ("dismissed", "Dismissed"),
                        ],
                        default="open",
                        help_text="What became.",
                        max_length=10,
                    ),
                ),
                (
                    "adopted_version",
                    models.IntegerField(help_text="The version that it became.", null=True),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, help_text="When its evidence was last seen."
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "llm_prompt_proposals",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("operation_type", "prompt_version"),
                        name="llm_prompt_proposals_one_open",
                    )
                ],
            },
        ),
        migrations.RunPython(compress, migrations.RunPython.noop),
        migrations.RunPython(comment, migrations.RunPython.noop),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
        InstallSQL("metrics", "llm_quality_figures.sql"),
        InstallSQL("metrics", "llm_mark.sql"),
        InstallSQL("metrics", "llm_mark_texts.sql"),
        InstallSQL("metrics", "llm_quality_by_hour.sql"),
        InstallSQL("metrics", "llm_quality_by_day.sql"),
        InstallSQL("metrics", "llm_quality_trends.sql"),
        InstallSQL("metrics", "history_triggers.sql"),
    ]
