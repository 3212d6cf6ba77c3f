"""Many calls, made by the database itself: months of them with their callers, batches and texts."""

import datetime as dt
import sys
import time
from typing import Any

DAY = dt.timedelta(days=1)
PARAGRAPHS = 4000
# In the order of time, as calls come. Six nodes with a usual and another model, each model of one
# provider and tier; three organizations and none; three versions of each prompt; batches of 500
# calls; a third of the calls without a key, the others by 20; 200 users; a tag on each tenth; a
# failure in 50 calls, no price in 200.
MAKE = """
INSERT INTO llm_generation_metrics (
    created_at, correlation_id, session_id, node_type, service_name, method_name, operation_type,
    tier, provider, model_used, tokens_input, tokens_output, tokens_total, latency_ms, cost_usd,
    error_code, attempts, organization_id, prompt_version, account, user_id, tags
)
SELECT %(since)s::timestamptz
        + (n - random()) / %(rows)s * (%(until)s::timestamptz - %(since)s::timestamptz),
    gen_random_uuid(), md5(%(since)s::text || n / 500)::uuid,
    (ARRAY['enricher', 'tagger', 'responder'])[1 + n %% 3],
    'enrichment', 'node_' || n %% 6, 'node_' || n %% 6,
    (ARRAY['local', 'cloud_fast', 'cloud_premium'])[1 + model %% 3], 'provider_' || model %% 3,
    'model_' || model, 800, 200, 1000, exp(5 + random() * 3),
    CASE WHEN n %% 200 = 0 THEN NULL ELSE random() / 100 END,
    CASE WHEN n %% 50 = 0 THEN 'timeout' ELSE '' END,
    '[{"provider": "provider_0", "model": "model_0", "outcome": "ok", "latency_ms": 231.0}]',
    NULLIF(n / 6 %% 4, 0), 1 + n / 24 %% 3,
    CASE WHEN n %% 3 = 0 THEN '' ELSE 'key_' || n / 7 %% 20 END, n / 11 %% 200,
    CASE WHEN n %% 10 = 0 THEN ARRAY['tag_' || n / 10 %% 8] END
FROM generate_series(1, %(rows)s) AS n,
    LATERAL (SELECT (n %% 6 + (random() < 0.1)::int) %% 5 AS model) AS answered
"""
# Paragraphs of 60 words, the first of 20,000 words far more often than the last; each call has
# two of them and a word of its own.
MAKE_PARAGRAPHS = """
CREATE TEMPORARY TABLE IF NOT EXISTS paragraphs AS
SELECT id, string_agg('word' || (20000 ^ random())::int, ' ') AS text
FROM generate_series(0, %s - 1) AS id, generate_series(1, 60) GROUP BY id
"""
MAKE_TEXTS = """
INSERT INTO llm_generation_history (
    created_at, correlation_id, node_type, method_name, prompt_text, generated_code,
    validation_passed, quality_score
)
SELECT created_at, correlation_id, node_type, method_name,
    asked.text || ' ' || left(correlation_id::text, 8), told.text, error_code = '', random()
FROM llm_generation_metrics AS call
JOIN paragraphs AS asked ON asked.id = mod(abs(hashtext(call.correlation_id::text)), %(several)s)
JOIN paragraphs AS told ON told.id = mod(abs(hashtext(call.id::text)), %(several)s)
WHERE created_at >= %(since)s AND created_at < %(until)s
"""


def fill(rows: int, *, months: int, text_days: int) -> str:
    """Calls of each month that has none, the texts of the last days, the sums; says what it took.

    `rows` are spread over `months` months, this one included. Blank when nothing had to be made.
    """
    from django.db import connection

    from metrics import partitions, rollups

    now = partitions.utc_now()
    partitions.keep_ahead(months_back=months - 1)
    start = partitions.month_start(now)
    began, made = time.perf_counter(), 0
    with connection.cursor() as cursor:
        cursor.execute(MAKE_PARAGRAPHS, [PARAGRAPHS])
        for back in range(months - 1, -1, -1):
            since = partitions.add_months(start, -back)
            until = min(partitions.add_months(since, 1), now)
            if not _some(cursor, "llm_generation_metrics", since, until):
                cursor.execute(MAKE, {"since": since, "until": until, "rows": rows // months})
                made += rows // months
                print(f"made {since:%Y-%m}", file=sys.stderr)
            told = max(since, (now - text_days * DAY).replace(hour=0, minute=0))
            if told < until and not _some(cursor, "llm_generation_history", told, until):
                cursor.execute(MAKE_TEXTS, {"since": told, "until": until, "several": PARAGRAPHS})
    took = time.perf_counter() - began
    began = time.perf_counter()
    hours = rollups.roll_up()
    rolled = time.perf_counter() - began
    if not made:
        return ""
    return (
        f"{made:,} of the calls were made in {took:.0f} s, with texts; summing up {hours:,} hours"
        f" took {rolled:.0f} s.\n"
    )


def _some(cursor: Any, table: str, since: dt.datetime, until: dt.datetime) -> bool:
    cursor.execute(
        f"SELECT EXISTS (SELECT FROM {table} WHERE created_at >= %s AND created_at < %s)",  # noqa: S608
        [since, until],
    )
    return bool(cursor.fetchone()[0])
