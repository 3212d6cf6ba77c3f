-- How good answers were by day, always right, as llm_metrics_by_day is: sum its rows.
CREATE OR REPLACE VIEW llm_quality_by_day AS
SELECT
    period_start, method_name, provider, model_used, operation_type, prompt_version,
    answers, passed, judged, accepted, edited, scored, score_sum, score_squares,
    syntax_checked, syntax_valid, hints_checked, hints_given, onex_checked, onex_compliant,
    security_checked, security_clean
FROM llm_quality_daily AS done
WHERE NOT EXISTS (
    SELECT FROM llm_rollup_dirty AS dirty
    WHERE dirty.hour >= done.period_start
        AND dirty.hour < done.period_start + interval '24 hours'
)
UNION ALL
SELECT
    dirty.day, method_name, provider, model_used, operation_type, prompt_version,
    answers, passed, judged, accepted, edited, scored, score_sum, score_squares,
    syntax_checked, syntax_valid, hints_checked, hints_given, onex_checked, onex_compliant,
    security_checked, security_clean
FROM (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty) AS dirty
-- OFFSET keeps the day's bounds in there, where the index serves them.
CROSS JOIN LATERAL (
    SELECT * FROM llm_quality_hourly AS hourly
    WHERE hourly.period_start >= dirty.day
        AND hourly.period_start < dirty.day + interval '24 hours'
        AND NOT EXISTS (SELECT FROM llm_rollup_dirty WHERE hour = hourly.period_start)
    OFFSET 0
) AS hours
UNION ALL
SELECT
    date_trunc('day', dirty.hour, 'UTC'), method_name, provider, model_used, operation_type, prompt_version,
    answers, passed, judged, accepted, edited, scored, score_sum, score_squares,
    syntax_checked, syntax_valid, hints_checked, hints_given, onex_checked, onex_compliant,
    security_checked, security_clean
FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL llm_quality_figures(dirty.hour, dirty.hour + interval '1 hour') AS live;
