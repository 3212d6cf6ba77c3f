"""Chunks count the tokens of calls without a known price."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="batchchunk",
            name="unpriced_tokens",
            field=models.BigIntegerField(
                db_default=0, help_text="Tokens of the calls whose price nobody knows."
            ),
        ),
    ]
