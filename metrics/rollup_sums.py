"""What is summed up of calls, and the SQL that adds such sums together."""

from collections.abc import Sequence

SUMS = (
    "calls",
    "unpriced",
    "unpriced_tokens",
    "cache_hits",
    "unpriced_hits",
    "tokens_input",
    "tokens_output",
    "tokens_cached_input",
    "tokens_cache_write",
    "tokens_reasoning",
    "cost_usd",
    "saved_usd",
    "latency_sum_ms",
)
LATENCIES = "latency_buckets, latency_counts"


def merged(
    source: str, group: Sequence[str], *, where: str = "true", sums: Sequence[str] = SUMS
) -> str:
    """A SELECT of `group`, `sums` and classes of latency, over sums that `source` has.

    A row comes once for each of its classes of latency; only the first counts for sums.
    """
    names = ", ".join(group)
    return f"""
SELECT {names}, {", ".join(f"sum({name})" for name in sums)},
    array_agg(bucket), array_agg(number)
FROM (
    SELECT {names}, class.bucket, sum(class.number) AS number,
        {", ".join(f"sum({name}) FILTER (WHERE class.place = 1) AS {name}" for name in sums)}
    FROM {source}
    CROSS JOIN unnest({LATENCIES})
        WITH ORDINALITY AS class (bucket, number, place)
    WHERE {where}
    GROUP BY {names}, class.bucket
) AS by_latency
GROUP BY {names}
"""  # noqa: S608 - our own column names
