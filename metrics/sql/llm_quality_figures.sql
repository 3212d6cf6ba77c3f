-- Answers summed up by hour: how good they were, by what made them. An answer's call is the one
-- with its id in the same hour, so a write to either marks what it changes. Planned when it runs,
-- as llm_hour_figures is.
CREATE OR REPLACE FUNCTION llm_quality_figures(since timestamptz, until timestamptz)
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
END $$;
