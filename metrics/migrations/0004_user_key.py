"""Users whose keys are no whole numbers: a new column, added without a rewrite."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    comment_columns(schema_editor, apps.get_model("metrics", "GenerationMetric")._meta)  # noqa: SLF001


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0003_unpriced_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="generationmetric",
            name="user_key",
            field=models.CharField(
                db_default="",
                help_text="The same as text, where users' keys are no whole numbers.",
                max_length=255,
            ),
        ),
        migrations.RunPython(comment, migrations.RunPython.noop),
    ]
