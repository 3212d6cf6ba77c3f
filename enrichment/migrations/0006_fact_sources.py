"""Facts from elsewhere: sources, which are configuration with a history, and what they said."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from llmconfig.migrations._history import record_history_of


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0005_lighter_results"),
        ("llmconfig", "0007_gateway_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="enrichmentresult",
            name="facts",
            field=models.JSONField(
                help_text="By source: hashes of what it was asked with and of what it said, and where that is kept.",
                null=True,
            ),
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
                        default="enrichment.Animal",
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
        record_history_of("enrichment_fact_sources"),
    ]
