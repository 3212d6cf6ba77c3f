"""The trigger of migration 0002, for tables of configuration that came later."""

from django.db import migrations


def record_history_of(table: str) -> migrations.RunSQL:
    """Have every change of a row's table written to llm_revision_changes."""
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_history AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION llm_record_change();",
        f"DROP TRIGGER {table}_history ON {table};",
    )
