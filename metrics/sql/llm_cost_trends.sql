-- Costs by day, node and model, for people and reporting tools.
CREATE OR REPLACE VIEW llm_cost_trends AS
SELECT period_start AS day, method_name AS node, provider, model_used, tier,
    sum(calls)::bigint AS calls,
    coalesce(sum(calls) FILTER (WHERE error_code <> ''), 0)::bigint AS failed,
    sum(unpriced)::bigint AS unpriced, sum(unpriced_tokens)::bigint AS unpriced_tokens,
    sum(cache_hits)::bigint AS cache_hits,
    sum(tokens_input)::bigint AS tokens_input, sum(tokens_output)::bigint AS tokens_output,
    sum(cost_usd) AS cost_usd, sum(saved_usd) AS saved_usd,
    sum(latency_sum_ms) / sum(calls) AS average_latency_ms
FROM llm_metrics_by_day
GROUP BY period_start, method_name, provider, model_used, tier;
