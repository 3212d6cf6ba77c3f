-- Calls summed up by hour and one thing that they have in common, from the calls themselves: their
-- key, user, batch, or each of their tags. As llm_hour_figures in how it is planned.
CREATE OR REPLACE FUNCTION llm_hour_callers(since timestamptz, until timestamptz, kind text)
RETURNS TABLE (
    period_start timestamptz, value text, calls bigint, failed bigint, unpriced bigint,
    unpriced_tokens bigint, cache_hits bigint, unpriced_hits bigint,
    tokens_input bigint, tokens_output bigint, tokens_cached_input bigint,
    tokens_cache_write bigint, tokens_reasoning bigint, cost_usd numeric, saved_usd numeric,
    latency_sum_ms double precision, latency_buckets smallint[], latency_counts bigint[]
) LANGUAGE plpgsql STABLE ROWS 100
SET plan_cache_mode = force_custom_plan SET jit = off SET enable_sort = off AS $$
#variable_conflict use_column
BEGIN RETURN QUERY
    SELECT hour, caller, sum(n)::bigint, sum(n_failed)::bigint, sum(no_price)::bigint,
        sum(t_no_price)::bigint, sum(hits)::bigint, sum(hits_no_price)::bigint,
        sum(t_in)::bigint, sum(t_out)::bigint, sum(t_read)::bigint, sum(t_written)::bigint,
        sum(t_thought)::bigint, sum(paid), sum(saved), sum(took), array_agg(bucket), array_agg(n)
    FROM (
        SELECT date_trunc('hour', created_at, 'UTC') AS hour,
            CASE kind WHEN 'key' THEN account::text WHEN 'user' THEN user_id::text
                WHEN 'user_key' THEN user_key::text WHEN 'batch' THEN session_id::text
                WHEN 'tag' THEN each.tag END AS caller,
            least(255, floor(8 * ln(greatest(latency_ms, 1.0)) / ln(2.0::float8)))::smallint
                AS bucket,
            count(*) AS n, count(*) FILTER (WHERE error_code <> '') AS n_failed,
            count(*) FILTER (WHERE cost_usd IS NULL) AS no_price,
            coalesce(sum(tokens_total) FILTER (WHERE cost_usd IS NULL), 0)
                AS t_no_price,
            count(*) FILTER (WHERE cache_hit) AS hits,
            count(*) FILTER (WHERE cache_hit AND saved_usd IS NULL) AS hits_no_price,
            sum(tokens_input) AS t_in, sum(tokens_output) AS t_out,
            sum(tokens_cached_input) AS t_read, sum(tokens_cache_write) AS t_written,
            sum(tokens_reasoning) AS t_thought, sum(cost_usd) AS paid, sum(saved_usd) AS saved,
            sum(latency_ms) AS took
        FROM llm_generation_metrics
        LEFT JOIN LATERAL (SELECT DISTINCT unnest(tags) AS tag WHERE kind = 'tag') AS each ON true
        WHERE created_at >= since AND created_at < until
        GROUP BY hour, caller, bucket
    ) AS by_latency
    GROUP BY hour, caller;
END $$;
