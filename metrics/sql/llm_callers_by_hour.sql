-- Sums by hour and by key, user, tag or batch (name the kind), always right, as llm_metrics_by_hour.
CREATE OR REPLACE VIEW llm_callers_by_hour AS
SELECT
    period_start, kind, value, others,
    calls, failed, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,
    tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms,
    latency_buckets, latency_counts
FROM llm_callers_hourly AS done
WHERE NOT EXISTS (SELECT FROM llm_rollup_dirty AS dirty WHERE dirty.hour = done.period_start)
UNION ALL
SELECT
    live.period_start, kinds.kind, live.value, false,
    calls, failed, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,
    tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms,
    latency_buckets, latency_counts
FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN (
    VALUES ('key'::varchar), ('user'), ('user_key'), ('tag'), ('batch')
) AS kinds (kind)
CROSS JOIN LATERAL llm_hour_callers(dirty.hour, dirty.hour + interval '1 hour', kinds.kind) AS live;
