import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0003_caps_priority_automatic"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="transport",
            field=models.CharField(
                choices=[
                    ("live", "One by one, now"),
                    ("provider_batch", "As batches of the provider's own: half price, within 24 h"),
                ],
                default="live",
                help_text="How calls reach the provider; what it leaves undone goes live.",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="batchchunk",
            name="status",
            field=models.CharField(
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
                            ("failed", "Refused; its rows go on one by one"),
                        ],
                        default="intended",
                        max_length=10,
                    ),
                ),
                ("rows", models.JSONField(default=list)),
                ("external_id", models.CharField(blank=True, max_length=200)),
                ("detail", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "chunk",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="submission",
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
    ]
