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
