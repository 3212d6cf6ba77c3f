"""What providers billed, and weekly reports."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0012_patterns"),
    ]

    operations = [
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
    ]
