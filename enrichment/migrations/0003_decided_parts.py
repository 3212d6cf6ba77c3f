"""Results keep what a reviewer said of each part of an answer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0002_unpriced_tokens")]

    operations = [
        migrations.AddField(
            model_name="enrichmentresult",
            name="decided_parts",
            field=models.JSONField(
                null=True,
                help_text="Of a reviewer's decision, by part: the model's confidence, and whether it"
                " stands.",
            ),
        ),
        migrations.AddIndex(
            model_name="enrichmentresult",
            index=models.Index(
                fields=["enrichment", "-id"],
                name="idx_results_decided_parts",
                condition=models.Q(decided_parts__isnull=False),
            ),
        ),
    ]
