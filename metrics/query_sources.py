"""The SQL that sums over calls are read from: the rollups, the calls, or some of each."""

from collections.abc import Mapping
from types import MappingProxyType

# Told by the calls alone: their columns.
OF_CALLS: Mapping[str, str] = MappingProxyType(
    {
        "batch": "session_id",
        "user": "user_id",
        "key": "account",
        "end_user": "end_user",
        "tag": "tag",
    }
)
# As people name them, and the rollups' columns.
OF_ROLLUPS: Mapping[str, str] = MappingProxyType(
    {
        "node": "method_name",
        "type": "node_type",
        "provider": "provider",
        "model": "model_used",
        "tier": "tier",
        "organization": "organization_id",
        "service": "service_name",
        "operation": "operation_type",
        "outcome": "error_code",
    }
)
SUMS = (
    "sum(calls)::bigint, coalesce(sum(calls) FILTER (WHERE error_code <> ''), 0)::bigint,"
    " sum(unpriced)::bigint, sum(unpriced_tokens)::bigint, sum(cache_hits)::bigint,"
    " sum(unpriced_hits)::bigint, sum(tokens_input)::bigint,"
    " sum(tokens_output)::bigint, sum(tokens_cached_input)::bigint,"
    " sum(tokens_cache_write)::bigint, sum(tokens_reasoning)::bigint, sum(cost_usd),"
    " sum(saved_usd), sum(latency_sum_ms)"
)
# A call as the sums of itself.
SUMS_OF_A_CALL = """
    1 AS calls, (cost_usd IS NULL)::int AS unpriced,
    CASE WHEN cost_usd IS NULL THEN tokens_total ELSE 0 END AS unpriced_tokens,
    cache_hit::int AS cache_hits, (cache_hit AND saved_usd IS NULL)::int AS unpriced_hits,
    tokens_input, tokens_output, tokens_cached_input, tokens_cache_write, tokens_reasoning,
    cost_usd, saved_usd, latency_ms AS latency_sum_ms,
    ARRAY[least(255, floor(8 * ln(greatest(latency_ms, 1.0)) / ln(2.0::float8)))::smallint]
        AS latency_buckets, ARRAY[1]::bigint[] AS latency_counts
"""
# The calls of a time with a rollup's columns, each as a rollup of its own.
CALLS = f"""
(SELECT date_trunc(%s, created_at, %s) AS period_start,
    {", ".join([*OF_ROLLUPS.values(), *OF_CALLS.values()])}, user_key,
    {SUMS_OF_A_CALL}
FROM llm_generation_metrics{{tags}} WHERE created_at >= %s AND created_at < %s) AS calls
"""  # noqa: S608 - our own names
# A call counts with each of its tags; one without any has none.
WITH_TAGS = " LEFT JOIN LATERAL unnest(tags) AS each (tag) ON true"
WITHOUT_TAGS = " CROSS JOIN (SELECT NULL::text AS tag) AS each"
COLUMNS_OF_SUMS = (
    "calls, unpriced, unpriced_tokens, cache_hits, unpriced_hits, tokens_input, tokens_output,"
    " tokens_cached_input, tokens_cache_write, tokens_reasoning, cost_usd, saved_usd,"
    " latency_sum_ms, latency_buckets, latency_counts"
)
# The hours of a time as days of a zone.
ZONED = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
    {COLUMNS_OF_SUMS}
FROM llm_metrics_by_hour WHERE period_start >= %s AND period_start < %s) AS zoned
"""  # noqa: S608 - our own names
# The same where days begin between two hours: those hours are summed from their calls, which are
# sought hour by hour. The views hold no hour in part.
SPLIT = f"""
(SELECT date_trunc('day', period_start, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
    {COLUMNS_OF_SUMS}
FROM llm_metrics_by_hour
WHERE period_start >= %s AND period_start < %s AND period_start <> ALL(%s)
UNION ALL
SELECT split.period_start, {", ".join(OF_ROLLUPS.values())}, {COLUMNS_OF_SUMS}
FROM unnest(%s::timestamptz[]) AS hour (begins)
CROSS JOIN LATERAL (
    SELECT date_trunc('day', created_at, %s) AS period_start, {", ".join(OF_ROLLUPS.values())},
        {SUMS_OF_A_CALL}
    FROM llm_generation_metrics
    WHERE created_at >= greatest(hour.begins, %s)
        AND created_at < least(hour.begins + interval '1 hour', %s)
    OFFSET 0
) AS split) AS zoned
"""  # noqa: S608 - our own names
BY_CLASS = " CROSS JOIN unnest(latency_buckets, latency_counts) AS class (bucket, number)"
