from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0002_gates_and_review"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="automatic",
            field=models.BooleanField(
                default=False, editable=False, help_text="Made by auto_enrichment or auto_tagging."
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="failures_before",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="batch",
            name="max_cost_usd",
            field=models.DecimalField(
                decimal_places=10,
                help_text="US dollars; it pauses when they are spent. Blank: no cap of its own.",
                max_digits=16,
                null=True,
                verbose_name="most it may cost",
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="priority",
            field=models.SmallIntegerField(
                default=0, help_text="The higher, the earlier it gets workers."
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="tries_before",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_cost_usd__isnull", True), ("max_cost_usd__gt", 0), _connector="OR"
                ),
                name="enrichment_batches_cap_above_zero",
                violation_error_message="A cap must be above 0.",
            ),
        ),
    ]
