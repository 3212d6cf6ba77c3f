"""What batches were served, so that each gets its share of the workers (`engine.turns`)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0009_evaluations"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelTurns",
            fields=[
                (
                    "target",
                    models.TextField(
                        help_text="Provider and model.", primary_key=True, serialize=False
                    ),
                ),
                (
                    "served",
                    models.FloatField(help_text="Seconds of lanes, by the weight of its batches."),
                ),
                ("calls", models.FloatField(db_default=0.0)),
                ("seconds", models.FloatField(db_default=0.0)),
            ],
            options={
                "db_table": "enrichment_model_turns",
            },
        ),
        migrations.AddField(
            model_name="batch",
            name="served",
            field=models.FloatField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="batch",
            name="priority",
            field=models.SmallIntegerField(
                default=0, help_text="Five more is twice the share of workers and limits."
            ),
        ),
    ]
