# ruff: noqa: S608 - our own column names
"""What marks an hour's rollup as behind, what sums an hour up, and the views that pages read."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns

DIMENSIONS = (
    "node_type, service_name, method_name, operation_type, tier, provider, model_used,"
    " organization_id, error_code"
)
MEASURES = (
    "calls, unpriced, cache_hits, tokens_input, tokens_output, tokens_cached_input,"
    " tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms, latency_buckets,"
    " latency_counts"
)
FIGURES = f"period_start, {DIMENSIONS}, {MEASURES}"

# Grouped by class of latency first, so that one pass gives both the sums and the histogram.
HOUR_FIGURES = f"""
CREATE FUNCTION llm_hour_figures(since timestamptz, until timestamptz)
RETURNS TABLE (
    period_start timestamptz, node_type varchar, service_name varchar, method_name varchar,
    operation_type varchar, tier varchar, provider varchar, model_used varchar,
    organization_id bigint, error_code varchar, calls bigint, unpriced bigint, cache_hits bigint,
    tokens_input bigint, tokens_output bigint, tokens_cached_input bigint,
    tokens_cache_write bigint, tokens_reasoning bigint, cost_usd numeric, saved_usd numeric,
    latency_sum_ms double precision, latency_buckets smallint[], latency_counts bigint[]
) LANGUAGE sql STABLE AS $$
    SELECT hour, {DIMENSIONS}, sum(n)::bigint, sum(no_price)::bigint, sum(hits)::bigint,
        sum(t_in)::bigint, sum(t_out)::bigint, sum(t_read)::bigint, sum(t_written)::bigint,
        sum(t_thought)::bigint, sum(paid), sum(saved), sum(took), array_agg(bucket), array_agg(n)
    FROM (
        SELECT date_trunc('hour', created_at, 'UTC') AS hour, {DIMENSIONS},
            least(255, floor(8 * ln(greatest(latency_ms, 1.0)) / ln(2.0::float8)))::smallint
                AS bucket,
            count(*) AS n, count(*) FILTER (WHERE cost_usd IS NULL) AS no_price,
            count(*) FILTER (WHERE cache_hit) AS hits,
            sum(tokens_input) AS t_in, sum(tokens_output) AS t_out,
            sum(tokens_cached_input) AS t_read, sum(tokens_cache_write) AS t_written,
            sum(tokens_reasoning) AS t_thought, sum(cost_usd) AS paid, sum(saved_usd) AS saved,
            sum(latency_ms) AS took
        FROM llm_generation_metrics
        WHERE created_at >= since AND created_at < until
        GROUP BY hour, {DIMENSIONS}, bucket
    ) AS by_latency
    GROUP BY hour, {DIMENSIONS}
$$
"""
# Its owner's rights, so that whoever may write calls needs no right to this table.
MARK = """
CREATE FUNCTION llm_mark_{name}() RETURNS trigger LANGUAGE plpgsql
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
    " SELECT DISTINCT period_start FROM llm_metrics_hourly",
}
TRIGGERS = tuple(
    f"CREATE TRIGGER llm_mark_{name} AFTER {event} ON llm_generation_metrics {rows}"
    f" FOR EACH STATEMENT EXECUTE FUNCTION llm_mark_{name}()"
    for name, event, rows in (
        ("inserted", "INSERT", "REFERENCING NEW TABLE AS new_rows"),
        ("deleted", "DELETE", "REFERENCING OLD TABLE AS old_rows"),
        ("updated", "UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("emptied", "TRUNCATE", ""),
    )
)
VIEWS = (
    f"""
    CREATE VIEW llm_metrics_by_hour AS
    SELECT {FIGURES} FROM llm_metrics_hourly AS done
    WHERE NOT EXISTS (SELECT FROM llm_rollup_dirty AS dirty WHERE dirty.hour = done.period_start)
    UNION ALL
    SELECT live.* FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
    CROSS JOIN LATERAL llm_hour_figures(dirty.hour, dirty.hour + interval '1 hour') AS live
    """,
    f"""
    CREATE VIEW llm_metrics_by_day AS
    SELECT {FIGURES} FROM llm_metrics_daily AS done
    WHERE NOT EXISTS (
        SELECT FROM llm_rollup_dirty AS dirty
        WHERE dirty.hour >= done.period_start
            AND dirty.hour < done.period_start + interval '24 hours'
    )
    UNION ALL
    SELECT dirty.day, {DIMENSIONS}, {MEASURES}
    FROM (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty) AS dirty
    -- OFFSET keeps the day's bounds in there, where the index serves them.
    CROSS JOIN LATERAL (
        SELECT * FROM llm_metrics_hourly AS hourly
        WHERE hourly.period_start >= dirty.day
            AND hourly.period_start < dirty.day + interval '24 hours'
            AND NOT EXISTS (SELECT FROM llm_rollup_dirty WHERE hour = hourly.period_start)
        OFFSET 0
    ) AS hours
    UNION ALL
    SELECT date_trunc('day', dirty.hour, 'UTC'), {DIMENSIONS}, {MEASURES}
    FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
    CROSS JOIN LATERAL llm_hour_figures(dirty.hour, dirty.hour + interval '1 hour') AS live
    """,
    """
    CREATE VIEW llm_cost_trends AS
    SELECT period_start AS day, method_name AS node, provider, model_used, tier,
        sum(calls)::bigint AS calls,
        coalesce(sum(calls) FILTER (WHERE error_code <> ''), 0)::bigint AS failed,
        sum(unpriced)::bigint AS unpriced, sum(cache_hits)::bigint AS cache_hits,
        sum(tokens_input)::bigint AS tokens_input, sum(tokens_output)::bigint AS tokens_output,
        sum(cost_usd) AS cost_usd, sum(saved_usd) AS saved_usd,
        sum(latency_sum_ms) / sum(calls) AS average_latency_ms
    FROM llm_metrics_by_day
    GROUP BY period_start, method_name, provider, model_used, tier
    """,
    """
    CREATE VIEW llm_quality_trends AS
    SELECT date_trunc('day', created_at, 'UTC') AS day, method_name AS node, node_type,
        count(*) AS answers, count(*) FILTER (WHERE validation_passed) AS passed,
        count(*) FILTER (WHERE user_accepted) AS accepted,
        count(*) FILTER (WHERE NOT user_accepted) AS rejected,
        count(*) FILTER (WHERE manual_edits_required) AS edited,
        avg(quality_score) AS average_quality
    FROM llm_generation_history
    GROUP BY date_trunc('day', created_at, 'UTC'), method_name, node_type
    """,
)
UNINSTALL = (
    "DROP VIEW llm_quality_trends, llm_cost_trends, llm_metrics_by_day, llm_metrics_by_hour",
    *(
        f"DROP TRIGGER llm_mark_{name} ON llm_generation_metrics;DROP FUNCTION llm_mark_{name}()"
        for name in MARKS
    ),
    "DROP FUNCTION llm_hour_figures(timestamptz, timestamptz)",
)


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    marks = (
        MARK.format(name=name, schema=schema, statement=statement)
        for name, statement in MARKS.items()
    )
    calls_so_far = HOURS_OF.format(rows="llm_generation_metrics")
    for statement in (HOUR_FIGURES, *marks, *TRIGGERS, *VIEWS, calls_so_far):
        schema_editor.execute(statement, None)
    for name in ("GenerationMetric", "HourlyRollup", "DailyRollup"):
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in UNINSTALL:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0005_rollups")]

    operations = [migrations.RunPython(install, uninstall)]
