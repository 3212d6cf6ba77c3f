-- As llm_metrics_by_day, by what the overview tells apart.
CREATE OR REPLACE VIEW llm_metrics_overview_by_day AS
SELECT
    period_start, method_name, provider, model_used, error_code,
    calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output, tokens_cached_input,
    tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms, latency_buckets,
    latency_counts
FROM llm_metrics_overview AS done
WHERE NOT EXISTS (
    SELECT FROM llm_rollup_dirty AS dirty
    WHERE dirty.hour >= done.period_start
        AND dirty.hour < done.period_start + interval '24 hours'
)
UNION ALL
SELECT
    dirty.day, method_name, provider, model_used, error_code,
    calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output, tokens_cached_input,
    tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms, latency_buckets,
    latency_counts
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
SELECT
    date_trunc('day', dirty.hour, 'UTC'), method_name, provider, model_used, error_code,
    calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output, tokens_cached_input,
    tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms, latency_buckets,
    latency_counts
FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL llm_hour_figures(dirty.hour, dirty.hour + interval '1 hour') AS live;
