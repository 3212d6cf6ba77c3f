"""What orders the list of calls by tokens, cost and latency, built while calls go on."""

import django.db.models.functions.comparison
from django.db import migrations, models

from metrics.migrations._partitioned import AddIndexToPartitions


class Migration(migrations.Migration):
    atomic = False  # indexes are built concurrently

    dependencies = [
        ("metrics", "0008_names_of_tables"),
    ]

    operations = [
        AddIndexToPartitions(
            model_name="generationmetric",
            index=models.Index(
                fields=["-tokens_total", "-created_at"], name="idx_llm_metrics_tokens"
            ),
        ),
        AddIndexToPartitions(
            model_name="generationmetric",
            index=models.Index(
                fields=["-latency_ms", "-created_at"], name="idx_llm_metrics_latency"
            ),
        ),
        AddIndexToPartitions(
            model_name="generationmetric",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        "cost_usd", models.Value(-1), output_field=models.DecimalField()
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("created_at"), descending=True),
                name="idx_llm_metrics_cost",
            ),
        ),
    ]
