"""Names of tables and columns as the admin says them; nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0004_planned_batches"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="factsource",
            options={
                "ordering": ["name"],
                "verbose_name": "fact source",
                "verbose_name_plural": "fact sources",
            },
        ),
        migrations.AlterField(
            model_name="batch",
            name="max_cost_usd",
            field=models.DecimalField(
                decimal_places=10,
                help_text="US dollars; it pauses when they are spent. Blank: no cap of its own.",
                max_digits=16,
                null=True,
                verbose_name="cap (USD)",
            ),
        ),
    ]
