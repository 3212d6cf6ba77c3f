"""Long values compressed by lz4, which takes a fraction of the time of PostgreSQL's own way."""

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def compress(
    schema_editor: BaseDatabaseSchemaEditor, table: str, columns: Sequence[str], *, by: str
) -> None:
    """Have the columns' new values compressed `by` lz4, or as by default; old ones stay.

    For a partitioned table and its partitions. Does nothing where PostgreSQL was built without lz4.
    """
    quote = schema_editor.quote_name
    changes = ", ".join(f"ALTER {quote(name)} SET COMPRESSION {by}" for name in columns)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
        )
        (built_in,) = cursor.fetchone()
        if not built_in:
            return
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            [table],
        )
        parts = [name for (name,) in cursor.fetchall()]
    for name in (quote(table), *parts):
        schema_editor.execute(f"ALTER TABLE {name} {changes}", None)
