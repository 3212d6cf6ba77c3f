"""Batches that people plan: a table of its own."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0003_decided_parts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BatchSchedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("enrichment", models.CharField(editable=False, max_length=50)),
                ("selection", models.JSONField(default=dict, editable=False)),
                ("terms", models.JSONField(default=dict, editable=False)),
                (
                    "recurrence",
                    models.CharField(
                        choices=[
                            ("once", "Once"),
                            ("hourly", "Every hour"),
                            ("daily", "Every day"),
                            ("weekly", "Every week"),
                        ],
                        default="once",
                        help_text="A time that was missed is made up for once.",
                        max_length=10,
                    ),
                ),
                ("next_at", models.DateTimeField(help_text="In UTC.", verbose_name="next start")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "last_error",
                    models.TextField(
                        blank=True,
                        editable=False,
                        help_text="Why it could not start the last time.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "last_batch",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="enrichment.batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "planned batch",
                "verbose_name_plural": "planned batches",
                "db_table": "enrichment_batch_schedules",
                "ordering": ["next_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_enabled", True)),
                        fields=["next_at"],
                        name="idx_schedules_due",
                    )
                ],
            },
        ),
    ]
