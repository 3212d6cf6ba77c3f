"""Batches that a spent budget paused go on by themselves once it has room again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0022_savings_of_cascades"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="awaits_budget",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="batch",
            name="awaits_usd",
            field=models.DecimalField(decimal_places=10, editable=False, max_digits=20, null=True),
        ),
    ]
