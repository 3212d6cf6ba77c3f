-- Sums by day and by key, user, tag or batch (name the kind), always right, as llm_metrics_by_day:
-- a day that is behind has several rows of the same caller.
CREATE OR REPLACE VIEW llm_callers_by_day AS
SELECT
    period_start, kind, value, others,
    calls, failed, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,
    tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms,
    latency_buckets, latency_counts
FROM llm_callers_daily
-- Hashed once: a year of some hundred users has too many rows to look each of them up.
WHERE period_start NOT IN (SELECT date_trunc('day', hour, 'UTC') FROM llm_rollup_dirty)
UNION ALL
SELECT
    dirty.day, kinds.kind, value, others,
    calls, failed, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,
    tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms,
    latency_buckets, latency_counts
FROM (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty) AS dirty
CROSS JOIN (
    VALUES ('key'::varchar), ('user'), ('user_key'), ('tag'), ('batch')
) AS kinds (kind)
-- OFFSET keeps the day's bounds in there, where the index serves them.
CROSS JOIN LATERAL (
    SELECT * FROM llm_callers_hourly AS hourly
    WHERE hourly.kind = kinds.kind AND hourly.period_start >= dirty.day
        AND hourly.period_start < dirty.day + interval '24 hours'
        AND NOT EXISTS (SELECT FROM llm_rollup_dirty WHERE hour = hourly.period_start)
    OFFSET 0
) AS hours
UNION ALL
SELECT
    date_trunc('day', dirty.hour, 'UTC'), kinds.kind, live.value, false,
    calls, failed, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,
    tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd, latency_sum_ms,
    latency_buckets, latency_counts
FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN (
    VALUES ('key'::varchar), ('user'), ('user_key'), ('tag'), ('batch')
) AS kinds (kind)
CROSS JOIN LATERAL llm_hour_callers(dirty.hour, dirty.hour + interval '1 hour', kinds.kind) AS live;
