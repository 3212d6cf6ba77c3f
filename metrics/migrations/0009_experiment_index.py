"""The calls of an experiment are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0008_lighter_writes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                condition=models.Q(("experiment", ""), _negated=True),
                fields=["experiment", "created_at"],
                name="idx_llm_metrics_experiment",
            ),
        ),
    ]
