# ruff: noqa: S608 - our own column names
"""Answers summed up by hour and day: how good they were, by what made them."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns

DIMENSIONS = "method_name, provider, model_used, operation_type, prompt_version"
SUMS = (
    "answers, passed, judged, accepted, edited, scored, score_sum, score_squares,"
    " syntax_checked, syntax_valid, hints_checked, hints_given, onex_checked, onex_compliant,"
    " security_checked, security_clean"
)
FIGURES = f"{DIMENSIONS}, {SUMS}"
# An answer's call is the one with its id in the same hour, so a write to either marks what it
# changes. Planned when it runs, as llm_hour_figures is (migration 0011).
QUALITY_FIGURES = """
CREATE FUNCTION llm_quality_figures(since timestamptz, until timestamptz)
RETURNS TABLE (
    period_start timestamptz, method_name varchar, provider varchar, model_used varchar,
    operation_type varchar, prompt_version integer, answers bigint, passed bigint, judged bigint,
    accepted bigint, edited bigint, scored bigint, score_sum double precision,
    score_squares double precision, syntax_checked bigint, syntax_valid bigint,
    hints_checked bigint, hints_given bigint, onex_checked bigint, onex_compliant bigint,
    security_checked bigint, security_clean bigint
) LANGUAGE plpgsql STABLE ROWS 100
SET plan_cache_mode = force_custom_plan SET jit = off SET enable_sort = off AS $$
#variable_conflict use_column
BEGIN RETURN QUERY
    SELECT date_trunc('hour', h.created_at, 'UTC') AS hour, h.method_name, m.provider,
        m.model_used, m.operation_type, m.prompt_version,
        count(*), count(*) FILTER (WHERE h.validation_passed),
        count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),
        count(*) FILTER (WHERE h.user_accepted IS NOT NULL AND h.manual_edits_required),
        count(h.quality_score), coalesce(sum(h.quality_score), 0),
        coalesce(sum(h.quality_score * h.quality_score), 0),
        count(m.syntax_valid), count(*) FILTER (WHERE m.syntax_valid),
        count(m.has_type_hints), count(*) FILTER (WHERE m.has_type_hints),
        count(m.onex_compliant), count(*) FILTER (WHERE m.onex_compliant),
        count(m.security_issues), count(*) FILTER (WHERE m.security_issues = '[]')
    FROM llm_generation_history AS h
    LEFT JOIN llm_generation_metrics AS m ON m.correlation_id = h.correlation_id
        AND m.created_at >= since AND m.created_at < until
        AND date_trunc('hour', m.created_at, 'UTC') = date_trunc('hour', h.created_at, 'UTC')
    WHERE h.created_at >= since AND h.created_at < until
    GROUP BY hour, h.method_name, m.provider, m.model_used, m.operation_type, m.prompt_version;
END $$
"""
# Its owner's rights, so that whoever may write texts needs no right to this table.
MARK = """
CREATE FUNCTION llm_mark_texts_{name}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    {statement};
    RETURN NULL;
END $$
"""
HOURS_OF = (
    "INSERT INTO llm_rollup_dirty (hour)"
    " SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM {rows}"
)
MARKS = {
    "inserted": HOURS_OF.format(rows="new_rows"),
    "deleted": HOURS_OF.format(rows="old_rows"),
    "updated": HOURS_OF.format(
        rows="(SELECT created_at FROM old_rows UNION ALL SELECT created_at FROM new_rows) AS moved"
    ),
    "emptied": "INSERT INTO llm_rollup_dirty (hour)"
    " SELECT DISTINCT period_start FROM llm_quality_hourly",
}
TRIGGERS = tuple(
    f"CREATE TRIGGER llm_mark_texts_{name} AFTER {event} ON llm_generation_history {rows}"
    f" FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_texts_{name}()"
    for name, event, rows in (
        ("inserted", "INSERT", "REFERENCING NEW TABLE AS new_rows"),
        ("deleted", "DELETE", "REFERENCING OLD TABLE AS old_rows"),
        ("updated", "UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("emptied", "TRUNCATE", ""),
    )
)
# As llm_metrics_by_hour and llm_metrics_by_day are (migration 0006).
VIEWS = (
    f"""
    CREATE VIEW llm_quality_by_hour AS
    SELECT period_start, {FIGURES} FROM llm_quality_hourly AS done
    WHERE NOT EXISTS (SELECT FROM llm_rollup_dirty AS dirty WHERE dirty.hour = done.period_start)
    UNION ALL
    SELECT live.* FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
    CROSS JOIN LATERAL llm_quality_figures(dirty.hour, dirty.hour + interval '1 hour') AS live
    """,
    f"""
    CREATE VIEW llm_quality_by_day AS
    SELECT period_start, {FIGURES} FROM llm_quality_daily AS done
    WHERE NOT EXISTS (
        SELECT FROM llm_rollup_dirty AS dirty
        WHERE dirty.hour >= done.period_start
            AND dirty.hour < done.period_start + interval '24 hours'
    )
    UNION ALL
    SELECT dirty.day, {FIGURES}
    FROM (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty) AS dirty
    CROSS JOIN LATERAL (
        SELECT * FROM llm_quality_hourly AS hourly
        WHERE hourly.period_start >= dirty.day
            AND hourly.period_start < dirty.day + interval '24 hours'
            AND NOT EXISTS (SELECT FROM llm_rollup_dirty WHERE hour = hourly.period_start)
        OFFSET 0
    ) AS hours
    UNION ALL
    SELECT date_trunc('day', dirty.hour, 'UTC'), {FIGURES}
    FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
    CROSS JOIN LATERAL llm_quality_figures(dirty.hour, dirty.hour + interval '1 hour') AS live
    """,
)
UNINSTALL = (
    "DROP VIEW llm_quality_by_day, llm_quality_by_hour",
    *(
        f"DROP TRIGGER llm_mark_texts_{name} ON llm_generation_history;"
        f"DROP FUNCTION llm_mark_texts_{name}()"
        for name in MARKS
    ),
    "DROP FUNCTION llm_quality_figures(timestamptz, timestamptz)",
)


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    marks = (
        MARK.format(name=name, schema=schema, statement=statement)
        for name, statement in MARKS.items()
    )
    answers_so_far = HOURS_OF.format(rows="llm_generation_history")
    for statement in (QUALITY_FIGURES, *marks, *TRIGGERS, *VIEWS, answers_so_far):
        schema_editor.execute(statement, None)
    for name in ("HourlyQuality", "DailyQuality"):
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in UNINSTALL:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0014_overview"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyQuality",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(
                        help_text="The provider that answered last.", max_length=50, null=True
                    ),
                ),
                (
                    "model_used",
                    models.CharField(
                        help_text="The model that answered last.", max_length=200, null=True
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="The enrichment.", max_length=100, null=True),
                ),
                (
                    "prompt_version",
                    models.IntegerField(help_text="The version of its prompt.", null=True),
                ),
                ("answers", models.BigIntegerField(help_text="How many.")),
                (
                    "passed",
                    models.BigIntegerField(help_text="Of these, how many no check held back."),
                ),
                ("judged", models.BigIntegerField(help_text="How many people judged.")),
                (
                    "accepted",
                    models.BigIntegerField(help_text="Of the judged, how many were accepted."),
                ),
                (
                    "edited",
                    models.BigIntegerField(help_text="Of the judged, how many had to be changed."),
                ),
                ("scored", models.BigIntegerField(help_text="How many have a score.")),
                ("score_sum", models.FloatField(help_text="Their scores together.")),
                (
                    "score_squares",
                    models.FloatField(help_text="The squares of these scores together."),
                ),
                (
                    "syntax_checked",
                    models.BigIntegerField(help_text="How many the check of syntax looked at."),
                ),
                (
                    "syntax_valid",
                    models.BigIntegerField(help_text="Of these, how many were valid."),
                ),
                (
                    "hints_checked",
                    models.BigIntegerField(help_text="How many the check of type hints looked at."),
                ),
                (
                    "hints_given",
                    models.BigIntegerField(help_text="Of these, how many had all of them."),
                ),
                (
                    "onex_checked",
                    models.BigIntegerField(help_text="How many the ONEX check looked at."),
                ),
                (
                    "onex_compliant",
                    models.BigIntegerField(help_text="Of these, how many were compliant."),
                ),
                (
                    "security_checked",
                    models.BigIntegerField(help_text="How many the security scanner looked at."),
                ),
                (
                    "security_clean",
                    models.BigIntegerField(help_text="Of these, how many it had nothing against."),
                ),
            ],
            options={
                "db_table": "llm_quality_daily",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_quality_day")],
            },
        ),
        migrations.CreateModel(
            name="HourlyQuality",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(
                        help_text="The provider that answered last.", max_length=50, null=True
                    ),
                ),
                (
                    "model_used",
                    models.CharField(
                        help_text="The model that answered last.", max_length=200, null=True
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="The enrichment.", max_length=100, null=True),
                ),
                (
                    "prompt_version",
                    models.IntegerField(help_text="The version of its prompt.", null=True),
                ),
                ("answers", models.BigIntegerField(help_text="How many.")),
                (
                    "passed",
                    models.BigIntegerField(help_text="Of these, how many no check held back."),
                ),
                ("judged", models.BigIntegerField(help_text="How many people judged.")),
                (
                    "accepted",
                    models.BigIntegerField(help_text="Of the judged, how many were accepted."),
                ),
                (
                    "edited",
                    models.BigIntegerField(help_text="Of the judged, how many had to be changed."),
                ),
                ("scored", models.BigIntegerField(help_text="How many have a score.")),
                ("score_sum", models.FloatField(help_text="Their scores together.")),
                (
                    "score_squares",
                    models.FloatField(help_text="The squares of these scores together."),
                ),
                (
                    "syntax_checked",
                    models.BigIntegerField(help_text="How many the check of syntax looked at."),
                ),
                (
                    "syntax_valid",
                    models.BigIntegerField(help_text="Of these, how many were valid."),
                ),
                (
                    "hints_checked",
                    models.BigIntegerField(help_text="How many the check of type hints looked at."),
                ),
                (
                    "hints_given",
                    models.BigIntegerField(help_text="Of these, how many had all of them."),
                ),
                (
                    "onex_checked",
                    models.BigIntegerField(help_text="How many the ONEX check looked at."),
                ),
                (
                    "onex_compliant",
                    models.BigIntegerField(help_text="Of these, how many were compliant."),
                ),
                (
                    "security_checked",
                    models.BigIntegerField(help_text="How many the security scanner looked at."),
                ),
                (
                    "security_clean",
                    models.BigIntegerField(help_text="Of these, how many it had nothing against."),
                ),
            ],
            options={
                "db_table": "llm_quality_hourly",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_quality_hour")],
            },
        ),
        migrations.RunPython(install, uninstall),
    ]
