"""What tells how sure a cascade's saving is: the sum of squares of what its own model's calls cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0021_scored_cascades"),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name="dear_squares",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="Sum of the squared costs of these calls.",
            ),
        )
        for name in ("batchcascade", "runcascade")
    ]
