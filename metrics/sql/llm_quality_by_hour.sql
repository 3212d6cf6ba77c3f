-- How good answers were by hour, always right, as llm_metrics_by_hour is.
CREATE OR REPLACE VIEW llm_quality_by_hour AS
SELECT
    period_start, method_name, provider, model_used, operation_type, prompt_version,
    answers, passed, judged, accepted, edited, scored, score_sum, score_squares,
    syntax_checked, syntax_valid, hints_checked, hints_given, onex_checked, onex_compliant,
    security_checked, security_clean
FROM llm_quality_hourly AS done
WHERE NOT EXISTS (SELECT FROM llm_rollup_dirty AS dirty WHERE dirty.hour = done.period_start)
UNION ALL
SELECT live.* FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL llm_quality_figures(dirty.hour, dirty.hour + interval '1 hour') AS live;
