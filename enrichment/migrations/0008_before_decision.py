"""Decisions of reviewers can be undone: what was before them is kept with the result."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0007_declared"),
    ]

    operations = [
        migrations.AddField(
            model_name="enrichmentresult",
            name="before_decision",
            field=models.JSONField(
                help_text="What the result and its row were before a person decided, for an undo.",
                null=True,
            ),
        ),
    ]
