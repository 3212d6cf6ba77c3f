"""A corrected cost keeps the one from before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0006_rollup_sql")]

    operations = [
        migrations.AddField(
            model_name="generationmetric",
            name="original_cost_usd",
            field=models.DecimalField(
                decimal_places=10,
                help_text="The cost before `llm_reprice` corrected it. Blank: not corrected, or unpriced.",
                max_digits=16,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="repriced_at",
            field=models.DateTimeField(
                help_text="When `llm_reprice` last corrected the cost.", null=True
            ),
        ),
    ]
