"""Batches with their chunks and results, prompts, facts and where they come from."""

import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import enrichment.models.facts
from llmconfig.migrations._sql import InstallSQL
from metrics.migrations._compression import compress_by_lz4


def compress(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    compress_by_lz4(schema_editor, "enrichment_results", ("value", "previous_value", "suggestion"))


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # for llm_record_change(), which the history trigger calls
        ("llmconfig", "0001_initial"),
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("enrichment", models.CharField(max_length=50)),
                (
                    "params",
                    models.JSONField(
                        blank=True, default=dict, help_text="Languages, organization, limit."
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Waiting for a worker"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("cancelled", "Cancelled"),
                            ("completed", "Completed"),
                        ],
                        default="pending",
                        max_length=20,
                    ),
                ),
                (
                    "status_reason",
                    models.TextField(blank=True, help_text="Why it stands where it stands."),
                ),
                (
                    "force",
                    models.BooleanField(default=False, help_text="Redo rows that are fresh."),
                ),
                (
                    "write_size",
                    models.PositiveIntegerField(
                        help_text="Finished rows that start a write. Blank: the processing settings'.",
                        null=True,
                    ),
                ),
                (
                    "max_cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="US dollars; it pauses when they are spent. Blank: no cap of its own.",
                        max_digits=16,
                        null=True,
                        verbose_name="most it may cost",
                    ),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        default=0, help_text="The higher, the earlier it gets workers."
                    ),
                ),
                (
                    "transport",
                    models.CharField(
                        choices=[
                            ("live", "One by one, now"),
                            (
                                "provider_batch",
                                "As batches of the provider's own: half price, within 24 h",
                            ),
                        ],
                        default="live",
                        help_text="How calls reach the provider; what it leaves undone goes live.",
                        max_length=20,
                    ),
                ),
                (
                    "automatic",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="Made by auto_enrichment or auto_tagging.",
                    ),
                ),
                ("tries_before", models.PositiveIntegerField(default=0, editable=False)),
                ("failures_before", models.PositiveIntegerField(default=0, editable=False)),
                ("finished_before", models.PositiveIntegerField(default=0, editable=False)),
                ("repaid_before", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "lane_failure",
                    models.CharField(blank=True, default="", editable=False, max_length=100),
                ),
                ("lane_failure_at", models.PositiveIntegerField(default=0, editable=False)),
                ("resumed_at", models.DateTimeField(editable=False, null=True)),
                ("waits_for", models.TextField(blank=True, default="", editable=False)),
                ("waits_until", models.DateTimeField(editable=False, null=True)),
                ("rows_total", models.PositiveIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
                "db_table": "enrichment_batches",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["pending", "running", "paused"])),
                        fields=["status"],
                        name="idx_batches_unfinished",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_cost_usd__isnull", True), ("max_cost_usd__gt", 0), _connector="OR"
                        ),
                        name="enrichment_batches_cap_above_zero",
                        violation_error_message="A cap must be above 0.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BatchChunk",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "variant",
                    models.CharField(blank=True, help_text="The language, if any.", max_length=35),
                ),
                (
                    "row_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None
                    ),
                ),
                (
                    "failed_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        default=list,
                        help_text="Rows of this chunk that failed and get a later round.",
                        size=None,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("away", "Left to the provider"),
                            ("leased", "In work"),
                            ("done", "Done"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "round",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Later rounds repeat failures."
                    ),
                ),
                ("lease_token", models.UUIDField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("started", models.PositiveIntegerField(default=0)),
                (
                    "deaths",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Workers that died with it; rows that kill are parked."
                    ),
                ),
                ("rows_done", models.PositiveIntegerField(default=0)),
                ("rows_failed", models.PositiveIntegerField(default=0)),
                ("rows_skipped", models.PositiveIntegerField(default=0)),
                (
                    "calls",
                    models.PositiveIntegerField(default=0, help_text="Answers that were paid for."),
                ),
                (
                    "calls_repaid",
                    models.PositiveIntegerField(
                        default=0, help_text="Calls whose answers a dead worker took with it."
                    ),
                ),
                ("tokens", models.BigIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=10, default=0, max_digits=16)),
                ("unpriced_calls", models.PositiveIntegerField(default=0)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="enrichment.batch",
                    ),
                ),
            ],
            options={
                "db_table": "enrichment_batch_chunks",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["open", "leased"])),
                        fields=["batch", "status", "due_at", "id"],
                        name="idx_chunks_claim",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EnrichmentResult",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("enrichment", models.CharField(max_length=50)),
                ("target", models.CharField(help_text="The table, as app.model.", max_length=100)),
                ("row_id", models.CharField(max_length=40)),
                ("variant", models.CharField(blank=True, default="", max_length=35)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("suggested", "Suggested"),
                            ("rejected", "Rejected"),
                            ("undone", "Undone"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Why it failed, was skipped, or waits for a person.",
                    ),
                ),
                (
                    "findings",
                    models.JSONField(
                        help_text="The gates' objections: a code, a text and data of each.",
                        null=True,
                    ),
                ),
                (
                    "input_hash",
                    models.CharField(help_text="Of the fields that were read.", max_length=32),
                ),
                (
                    "facts",
                    models.JSONField(
                        help_text="By source: hashes of what it was asked with and of what it said, and where that is kept.",
                        null=True,
                    ),
                ),
                ("prompt_version", models.PositiveIntegerField(null=True)),
                ("model_used", models.CharField(blank=True, default="", max_length=200)),
                ("config_revision", models.BigIntegerField(null=True)),
                ("correlation_id", models.UUIDField(null=True)),
                ("value", models.JSONField(null=True)),
                ("previous_value", models.JSONField(null=True)),
                (
                    "suggestion",
                    models.JSONField(
                        help_text="A fuller value than the applied one; some of its parts were not sure enough.",
                        null=True,
                    ),
                ),
                (
                    "confidence",
                    models.FloatField(
                        help_text="From 0 to 1, of the least sure part. Blank: the answer states none.",
                        null=True,
                    ),
                ),
                (
                    "confidence_source",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="Who says how sure it is.",
                        max_length=20,
                    ),
                ),
                (
                    "reviewed_at",
                    models.DateTimeField(help_text="When a person decided on it.", null=True),
                ),
                ("cost_usd", models.DecimalField(decimal_places=10, max_digits=16, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="enrichment.batch",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "enrichment_results",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["enrichment", "target", "row_id", "variant", "-id"],
                        name="idx_results_row",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("state", "suggested"), ("suggestion__isnull", False), _connector="OR"
                        ),
                        fields=["-id"],
                        name="idx_results_to_review",
                    ),
                    models.Index(
                        condition=models.Q(("reviewed_by__isnull", False)),
                        fields=["reviewed_by"],
                        name="idx_results_reviewed_by",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("batch__isnull", False)),
                        fields=("batch", "row_id", "variant"),
                        name="enrichment_results_once_per_batch",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FactSource",
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
                        help_text="Prompts use it as <code>{{fact_NAME}}</code>. It stays as it is.",
                        max_length=40,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]{0,39}\\Z",
                                "Use small letters, digits and _, at most 40, starting with a letter.",
                            )
                        ],
                    ),
                ),
                (
                    "description",
                    models.CharField(blank=True, help_text="What it knows.", max_length=200),
                ),
                (
                    "target",
                    models.CharField(
                        default=enrichment.models.facts.default_target,
                        help_text="The table whose rows it knows something about, as app.model.",
                        max_length=100,
                        verbose_name="table",
                    ),
                ),
                (
                    "url_template",
                    models.CharField(
                        help_text="<code>{{column}}</code> stands for the row's value, quoted for addresses; not in the host. Such as https://breeds.example/api/breeds?name={{breed}}.",
                        max_length=1000,
                        verbose_name="address",
                    ),
                ),
                (
                    "header_name",
                    models.CharField(
                        blank=True,
                        help_text="The header that carries its key, such as Authorization. Blank: none.",
                        max_length=60,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9-]{1,60}\\Z",
                                "A header's name has letters, digits and hyphens.",
                            )
                        ],
                        verbose_name="header",
                    ),
                ),
                (
                    "header_scheme",
                    models.CharField(
                        blank=True,
                        help_text="Such as Bearer. Blank: the key alone.",
                        max_length=30,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9-]{1,30}\\Z", "One word, such as Bearer."
                            )
                        ],
                        verbose_name="word before the key",
                    ),
                ),
                (
                    "secret_ref",
                    models.CharField(
                        blank=True,
                        help_text="Where that key is kept: env:VARIABLE, file:/absolute/path or aws-sm:name.",
                        max_length=500,
                        verbose_name="secret reference",
                    ),
                ),
                (
                    "pointer",
                    models.CharField(
                        blank=True,
                        help_text="JSON pointer to the part that is used, such as /data/0/summary. Blank: all.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^/[^\\x00-\\x1f]*\\Z",
                                "Start with a slash and name each step, such as /data/0/summary.",
                            )
                        ],
                        verbose_name="part of the answer",
                    ),
                ),
                (
                    "max_characters",
                    models.PositiveIntegerField(
                        default=2000,
                        help_text="Characters; what is longer is cut. Each costs tokens in every call.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(12000),
                        ],
                        verbose_name="longest fact",
                    ),
                ),
                (
                    "max_bytes",
                    models.PositiveIntegerField(
                        default=262144,
                        help_text="Bytes; a larger answer counts as a failure.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(4194304),
                        ],
                        verbose_name="largest answer",
                    ),
                ),
                (
                    "timeout_seconds",
                    models.FloatField(
                        default=5.0,
                        help_text="Seconds for one answer.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                        verbose_name="timeout",
                    ),
                ),
                (
                    "max_concurrency",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Of one process.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="requests at once",
                    ),
                ),
                (
                    "ttl_seconds",
                    models.PositiveIntegerField(
                        default=604800,
                        help_text="Seconds until the same address is asked again; 604800 is a week.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(31536000),
                        ],
                        verbose_name="kept for",
                    ),
                ),
                (
                    "without",
                    models.CharField(
                        choices=[
                            ("empty", "Go on without it: the name stands for nothing"),
                            ("fail", "Fail the row, which gets its later rounds"),
                        ],
                        default="empty",
                        help_text="Also where the source has nothing, or the row no value to ask with.",
                        max_length=10,
                        verbose_name="if it fails",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: it is never asked, and its name stands for nothing.",
                        verbose_name="enabled",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "source of facts",
                "verbose_name_plural": "sources of facts",
                "db_table": "enrichment_fact_sources",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("header_name", ""), ("secret_ref", "")),
                            models.Q(
                                models.Q(("header_name", ""), _negated=True),
                                models.Q(("secret_ref", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="enrichment_fact_sources_header_and_secret",
                        violation_error_message="A header and a secret reference go together.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("without__in", ["empty", "fail"])),
                        name="enrichment_fact_sources_without_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="Of the source, the address and what is used.",
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("url", models.TextField()),
                ("value", models.TextField(blank=True, help_text="Blank: it has nothing there.")),
                ("value_hash", models.CharField(max_length=32)),
                ("fetched_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="facts",
                        to="enrichment.factsource",
                    ),
                ),
            ],
            options={
                "db_table": "enrichment_facts",
                "ordering": ["-fetched_at"],
                "indexes": [models.Index(fields=["source", "fetched_at"], name="idx_facts_age")],
            },
        ),
        migrations.CreateModel(
            name="Prompt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "enrichment",
                    models.CharField(help_text="The kind of work it is for.", max_length=50),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Only for this organization's rows, by its key where the rows are. Blank: for all that have none of their own.",
                        null=True,
                        verbose_name="organization",
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        help_text="Counts up over all organizations; results remember theirs."
                    ),
                ),
                (
                    "system",
                    models.TextField(
                        blank=True,
                        help_text="The instructions. <code>{{name}}</code> is replaced by the row's value.",
                    ),
                ),
                (
                    "user",
                    models.TextField(
                        help_text="The message. Only <code>{{name}}</code> is replaced, by the row's value."
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=False,
                        help_text="The one in use; turning it on turns the others off.",
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="Why this version.", max_length=200),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "enrichment_prompts",
                "ordering": ["enrichment", "organization_id", "-version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("enrichment", "version"), name="enrichment_prompts_version"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("enrichment", "organization_id"),
                        name="enrichment_prompts_one_active",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderBatchSubmission",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("provider", models.CharField(max_length=100)),
                ("model", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("intended", "About to be handed over"),
                            ("submitted", "In work at the provider"),
                            ("applied", "Its results are written"),
                            ("failed", "Ended without results; its rows go on one by one"),
                            ("repeated", "Ended without results; its rows are handed over again"),
                        ],
                        default="intended",
                        max_length=10,
                    ),
                ),
                ("rows", models.JSONField(default=list)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "detail",
                    models.TextField(blank=True, help_text="What it waits for, or how it ended."),
                ),
                ("held_usd", models.DecimalField(decimal_places=10, max_digits=16, null=True)),
                ("costs", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "chunk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="submissions",
                        to="enrichment.batchchunk",
                    ),
                ),
            ],
            options={
                "db_table": "enrichment_provider_submissions",
                "ordering": ["created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["intended", "submitted"])),
                        fields=["created_at"],
                        name="idx_submissions_unfinished",
                    )
                ],
            },
        ),
        migrations.RunPython(compress, migrations.RunPython.noop),
        InstallSQL("enrichment", "history_triggers.sql"),
    ]
