"""Sums know the tokens of calls without a price, and the cache's answers that saved who knows what.

Hours that have any are marked to be summed anew, as far as their calls are kept.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from llmconfig.migrations._sql import InstallSQL
from metrics.migrations._partitioned import comment_columns

ROLLUPS = ("HourlyRollup", "DailyRollup", "OverviewRollup")
# A function with other columns can't be replaced in place, nor what reads it.
DROP = """
DROP VIEW IF EXISTS llm_cost_trends;
DROP VIEW IF EXISTS llm_metrics_overview_by_day;
DROP VIEW IF EXISTS llm_metrics_by_day;
DROP VIEW IF EXISTS llm_metrics_by_hour;
DROP FUNCTION IF EXISTS llm_hour_figures(timestamptz, timestamptz);
"""
MARK = """
INSERT INTO llm_rollup_dirty (hour)
SELECT DISTINCT period_start FROM llm_metrics_hourly WHERE unpriced > 0 OR cache_hits > 0;
"""


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ROLLUPS:
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_callers")]

    operations = [
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        *(
            migrations.AddField(
                name, "unpriced_tokens",
                models.BigIntegerField(
                    db_default=0, help_text="Tokens of the calls that have no known cost."
                ),
            )
            for name in ROLLUPS
        ),
        *(
            migrations.AddField(
                name, "unpriced_hits",
                models.BigIntegerField(
                    db_default=0,
                    help_text="Of the cache's answers, how many saved an unknown amount.",
                ),
            )
            for name in ROLLUPS
        ),
        migrations.RunPython(comment, migrations.RunPython.noop),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
        InstallSQL("metrics", "llm_hour_figures.sql"),
        InstallSQL("metrics", "llm_metrics_by_hour.sql"),
        InstallSQL("metrics", "llm_metrics_by_day.sql"),
        InstallSQL("metrics", "llm_metrics_overview_by_day.sql"),
        InstallSQL("metrics", "llm_cost_trends.sql"),
    ]  # fmt: skip
