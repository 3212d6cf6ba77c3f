"""Texts and JSON compressed by lz4."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._compression import compress

COLUMNS = {
    "llm_generation_metrics": ("attempts", "dropped_params", "security_issues"),
    "llm_generation_history": ("prompt_text", "generated_code", "user_feedback"),
}


def by_lz4(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for table, columns in COLUMNS.items():
        compress(schema_editor, table, columns, by="lz4")


def by_default(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for table, columns in COLUMNS.items():
        compress(schema_editor, table, columns, by="default")


class Migration(migrations.Migration):
    dependencies = [("metrics", "0007_repricing")]

    operations = [migrations.RunPython(by_lz4, by_default)]
