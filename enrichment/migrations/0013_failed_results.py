from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # workers write on while the index is built

    dependencies = [
        ("enrichment", "0012_prompt_labels"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="enrichmentresult",
            index=models.Index(
                fields=["batch", "-id"],
                name="idx_results_failed",
                condition=models.Q(state="failed"),
            ),
        ),
    ]
