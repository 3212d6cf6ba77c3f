"""What the gates objected to, by code, beside the reason in words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the results' findings."""

    dependencies = [("enrichment", "0007_pace_since_resumed")]

    operations = [
        migrations.AddField(
            model_name="enrichmentresult",
            name="findings",
            field=models.JSONField(
                null=True, help_text="The gates' objections: a code, a text and data of each."
            ),
        ),
    ]
