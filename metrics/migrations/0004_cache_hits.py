"""Which answers came from the response cache, and what that saved."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    model = apps.get_model("metrics", "GenerationMetric")
    comment_columns(schema_editor, model._meta)  # noqa: SLF001 - Django's documented name


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_experiments"),
    ]

    operations = [
        migrations.AddField(
            model_name="generationmetric",
            name="cache_hit",
            field=models.BooleanField(
                db_default=False, help_text="The answer came from the response cache, unpaid."
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="saved_usd",
            field=models.DecimalField(
                decimal_places=10,
                help_text="What the cached answer had cost, in US dollars. Blank: none or unknown.",
                max_digits=16,
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="generationmetric",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("saved_usd__isnull", True),
                    models.Q(("saved_usd__gte", 0), ("saved_usd__lt", 1000000)),
                    _connector="OR",
                ),
                name="llm_metrics_saved_not_negative",
            ),
        ),
        migrations.RunPython(comment, migrations.RunPython.noop),
    ]
