"""A table partitioned by month, from an ordinary model."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.options import Options


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel, but PARTITION BY RANGE (created_at) with the primary key (id, created_at).

    PostgreSQL wants the partition key within every unique key; Django knows the model by its id
    alone. Each column's help text becomes its comment. Partitions are made apart from this.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        options = model._meta  # noqa: SLF001 - Django's documented name
        sql, params = schema_editor.table_sql(model)
        columns = sql.removesuffix(")").replace(" PRIMARY KEY", "", 1)
        schema_editor.execute(
            f'{columns}, PRIMARY KEY ("id", "created_at")) PARTITION BY RANGE ("created_at")',
            params or None,
        )
        for index in options.indexes:
            schema_editor.add_index(model, index)
        comment_columns(schema_editor, options)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        options = model._meta  # noqa: SLF001 - as above
        schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(options.db_table)}", None)


def comment_columns(schema_editor: BaseDatabaseSchemaEditor, options: Options) -> None:
    """Have psql say of each column what the admin says of its field."""
    table = schema_editor.quote_name(options.db_table)
    for field in options.local_fields:
        if field.help_text:
            column = schema_editor.quote_name(field.column)
            text = schema_editor.quote_value(field.help_text)
            schema_editor.execute(f"COMMENT ON COLUMN {table}.{column} IS {text}", None)


LACKING = """
SELECT part.inhrelid::regclass::text FROM pg_inherits AS part
WHERE part.inhparent = %s::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits AS child JOIN pg_index ON pg_index.indexrelid = child.inhrelid
    WHERE child.inhparent = %s::regclass AND pg_index.indrelid = part.inhrelid)
ORDER BY 1
"""


class AddIndexToPartitions(migrations.AddIndex):
    """AddIndex on a partitioned table, whose rows go on being written meanwhile.

    An index of each partition is built concurrently, so the migration is not atomic. One that was
    interrupted goes on where it stopped. New partitions have the index from the first step on.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table, name = model._meta.db_table, self.index.name  # noqa: SLF001 - as above
        sql = str(self.index.create_sql(model, schema_editor))
        head = f'CREATE INDEX "{name}" ON "{table}" '
        if not sql.startswith(head):
            raise ValueError(f"{name}: Django words it as {sql!r}.")
        what = sql.removeprefix(head)
        schema_editor.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON ONLY "{table}" {what}', None)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(LACKING, [f'"{table}"', f'"{name}"'])
            partitions = [row[0] for row in cursor.fetchall()]
        for partition in partitions:
            own = f"{partition.strip(chr(34)).rpartition('.')[2]}_{name.rpartition('_')[2]}_idx"
            schema_editor.execute(f'DROP INDEX IF EXISTS "{own}"', None)  # half of one
            schema_editor.execute(f'CREATE INDEX CONCURRENTLY "{own}" ON {partition} {what}', None)
            schema_editor.execute(f'ALTER INDEX "{name}" ATTACH PARTITION "{own}"', None)
