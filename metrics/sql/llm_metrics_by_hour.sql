-- Sums by hour, always right: kept ones, and hours that are behind summed up from their calls.
CREATE OR REPLACE VIEW llm_metrics_by_hour AS
SELECT
    period_start, node_type, service_name, method_name, operation_type, tier, provider, model_used,
    organization_id, error_code,
    calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output, tokens_cached_input,
    tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms, latency_buckets,
    latency_counts
FROM llm_metrics_hourly AS done
WHERE NOT EXISTS (SELECT FROM llm_rollup_dirty AS dirty WHERE dirty.hour = done.period_start)
UNION ALL
SELECT live.* FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL llm_hour_figures(dirty.hour, dirty.hour + interval '1 hour') AS live;
