"""How many calls a budget's sum leaves out, because nobody knows their price."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0008_rotated_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="budgetspending",
            name="unpriced_calls",
            field=models.PositiveIntegerField(
                db_default=0,
                help_text="Calls that are not in it, because nobody knows their price.",
            ),
        ),
    ]
