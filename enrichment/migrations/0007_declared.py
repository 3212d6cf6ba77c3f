"""Enrichments that administrators declare: a table of configuration, with its history."""

import uuid

import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0006_cascades"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeclaredEnrichment",
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
                        help_text="What batches, code and the API call it. It stays as it is.",
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
                    "label",
                    models.CharField(
                        help_text="What people read, such as Exhibit label.", max_length=100
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        help_text="The table whose rows are enriched, as app.Model.",
                        max_length=100,
                        verbose_name="table",
                    ),
                ),
                (
                    "reads",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        help_text="The columns that the answer depends on. The prompt uses each by its name; a row is stale when one of them changes.",
                        size=20,
                        verbose_name="reads",
                    ),
                ),
                (
                    "writes",
                    models.CharField(
                        blank=True,
                        help_text="The column that the answer is written to. None: it stays in the results.",
                        max_length=100,
                    ),
                ),
                (
                    "node",
                    models.CharField(
                        blank=True,
                        help_text="The node whose model answers. New: one of this name is made, an enricher.",
                        max_length=100,
                    ),
                ),
                (
                    "schema",
                    models.JSONField(
                        blank=True,
                        help_text="What the answer must obey, for a JSON column or none. Blank: the answer is a text.",
                        null=True,
                        verbose_name="JSON schema",
                    ),
                ),
                (
                    "gates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        help_text="What holds an answer back for a person.",
                        size=None,
                    ),
                ),
                (
                    "answers_in",
                    models.CharField(
                        blank=True,
                        help_text="The language of the answers, such as en, for the check of it. Blank: the row's own.",
                        max_length=35,
                        verbose_name="language",
                    ),
                ),
                (
                    "longest_source",
                    models.PositiveIntegerField(
                        default=20000,
                        help_text="Characters of what is read; a longer row is skipped. Each costs tokens.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100000),
                        ],
                        verbose_name="longest row",
                    ),
                ),
                (
                    "longest_answer",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Characters; a longer answer waits for a person. Blank: what the column holds.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100000),
                        ],
                        verbose_name="longest answer",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: its batches pause, and nobody can start one.",
                        verbose_name="enabled",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "enrichment",
                "db_table": "enrichment_declared",
                "ordering": ["label"],
            },
        ),
        InstallSQL("enrichment", "history_triggers.sql", again=True),
    ]
