from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0012_prompt_labels"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="enrichmentresult",
            index=models.Index(
                fields=["batch", "-id"],
                name="idx_results_failed",
                condition=models.Q(state="failed"),
            ),
        ),
    ]
