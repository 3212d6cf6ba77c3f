"""Which experiment and arm a call took part in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0002_partitions"),
    ]

    operations = [
        migrations.AddField(
            model_name="generationmetric",
            name="experiment",
            field=models.CharField(
                db_default="",
                help_text="The experiment that the call took part in.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="experiment_arm",
            field=models.CharField(
                db_default="", help_text="The arm that its key belongs to.", max_length=100
            ),
        ),
    ]
