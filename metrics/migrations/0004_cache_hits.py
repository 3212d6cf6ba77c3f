"""Which calls the response cache answered, and what that saved."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_experiments"),
    ]

    operations = [
        migrations.AddField(
            model_name="generationmetric",
            name="cache_hit",
            field=models.BooleanField(
                db_default=False, help_text="Answered from the response cache, without a request."
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="saved_usd",
            field=models.DecimalField(
                decimal_places=10,
                help_text="What the answer had cost when it was first given, in US dollars.",
                max_digits=16,
                null=True,
            ),
        ),
    ]
