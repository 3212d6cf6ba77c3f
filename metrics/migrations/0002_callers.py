"""Who asked, for what, and which tools were called: new columns, added without a rewrite."""

import django.contrib.postgres.fields
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("GenerationMetric", "GenerationHistory"):
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="generationhistory",
            name="account",
            field=models.CharField(
                db_default="",
                help_text="Whose budget it counts for, such as an API key's.",
                max_length=100,
            ),
        ),
        migrations.AddField(
            model_name="generationhistory",
            name="end_user",
            field=models.CharField(
                db_default="", help_text="Whom the caller serves, in its own words.", max_length=200
            ),
        ),
        migrations.AddField(
            model_name="generationhistory",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                help_text="The caller's own words for it. Blank: none.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="generationhistory",
            name="tool_calls",
            field=models.JSONField(
                help_text="The tool calls of the answer, arguments included. Blank: none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="end_user",
            field=models.CharField(
                db_default="", help_text="Whom the caller serves, in its own words.", max_length=200
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="metadata",
            field=models.JSONField(
                help_text="The caller's own names and values. Blank: none.", null=True
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                help_text="The caller's own words for it. Blank: none.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="tool_calls",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                help_text="The functions that the answer calls, in its order. Blank: none.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="tool_results_length",
            field=models.IntegerField(
                db_default=0, help_text="Characters of tools' results since the last answer."
            ),
        ),
        migrations.RunPython(comment, migrations.RunPython.noop),
    ]
