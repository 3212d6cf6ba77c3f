"""Hours summed up by a plan of their own, and what people look for indexed."""

from importlib import import_module

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

HOUR_FIGURES: str = import_module("metrics.migrations.0006_rollup_sql").HOUR_FIGURES
# As SQL it was planned as a part of each page's query, for all partitions and sorting by texts.
# So it is planned when it runs, with the hours known: for one partition and by hashing.
SQL, END = "LANGUAGE sql STABLE AS $$", "$$"
PLANNED_APART = """LANGUAGE plpgsql STABLE ROWS 100
SET plan_cache_mode = force_custom_plan SET jit = off SET enable_sort = off AS $$
#variable_conflict use_column
BEGIN RETURN QUERY"""


def plan_apart(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    head, body = HOUR_FIGURES.split(SQL)
    body = body.strip().removesuffix(END)
    statement = f"{head}{PLANNED_APART}\n{body}; END $$"
    schema_editor.execute(_replacing(statement), None)


def plan_within(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(_replacing(HOUR_FIGURES), None)


def _replacing(statement: str) -> str:
    return statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("metrics", "0010_quality")]

    operations = [
        migrations.RunPython(plan_apart, plan_within),
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                condition=models.Q(("error_code", ""), _negated=True),
                fields=["-created_at"],
                name="idx_llm_metrics_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                condition=models.Q(("cost_usd__isnull", True)),
                fields=["-created_at"],
                name="idx_llm_metrics_unpriced",
            ),
        ),
        migrations.AddIndex(
            model_name="generationhistory",
            index=models.Index(
                fields=["-created_at"],
                include=(
                    "method_name",
                    "validation_passed",
                    "user_accepted",
                    "manual_edits_required",
                    "quality_score",
                ),
                name="idx_llm_history_created",
            ),
        ),
    ]
