"""What orders the list of calls by tokens, cost and latency.

Not built concurrently: that waits for the replicas that wait for this one's `prepare` to end.
"""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0008_names_of_tables"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                fields=["-tokens_total", "-created_at"], name="idx_llm_metrics_tokens"
            ),
        ),
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                fields=["-latency_ms", "-created_at"], name="idx_llm_metrics_latency"
            ),
        ),
        migrations.AddIndex(
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
