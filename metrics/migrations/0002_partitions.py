"""The first partitions: last month, this one and a year ahead. llm_partitions makes the later ones."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics import partitions

# Named here and not read from the module: tables that come later have their own migrations.
TABLES = ("llm_generation_metrics", "llm_generation_history")


def create(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    partitions.keep_ahead(using=schema_editor.connection.alias, tables=TABLES, months_back=1)


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            for partition in partitions.existing(cursor, table):
                schema_editor.execute(
                    f"DROP TABLE {schema_editor.quote_name(partition.name)}", None
                )


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
