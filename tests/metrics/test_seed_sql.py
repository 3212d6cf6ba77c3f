"""The SQL that teams already have runs against our tables as it is printed in their documents."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from metrics import partitions
from metrics.models import GenerationHistory, GenerationMetric, Pattern

pytestmark = pytest.mark.django_db

INSERT = """
INSERT INTO llm_generation_metrics (
    correlation_id, node_type, service_name, method_name,
    tier, model_used, tokens_input, tokens_output, tokens_total,
    latency_ms, cost_usd, syntax_valid, onex_compliant, has_type_hints
) VALUES (
    gen_random_uuid(),
    'effect',
    'PostgresService',
    'create_connection',
    'cloud_fast',
    'glm-4.5',
    1500, 800, 2300,
    245.5, 0.00046,
    true, true, true
);
"""
COST_BY_MODEL = """
SELECT
    tier,
    model_used,
    COUNT(*) as generations,
    SUM(cost_usd) as total_cost,
    AVG(latency_ms) as avg_latency
FROM llm_generation_metrics
WHERE created_at >= NOW() - INTERVAL '7 days'
GROUP BY tier, model_used
ORDER BY total_cost DESC;
"""
HIGH_QUALITY = """
SELECT
    h.node_type,
    h.method_name,
    h.quality_score,
    m.model_used,
    m.tokens_total
FROM llm_generation_history h
JOIN llm_generation_metrics m ON h.correlation_id = m.correlation_id
WHERE h.validation_passed = true
  AND h.quality_score >= 0.85
ORDER BY h.quality_score DESC
LIMIT 10;
"""
SEED_INDEXES = {
    "idx_llm_metrics_correlation": "(correlation_id)",
    "idx_llm_metrics_session": "(session_id)",
    "idx_llm_metrics_node_type": "(node_type)",
    "idx_llm_metrics_model": "(model_used)",
    "idx_llm_metrics_created": "(created_at DESC)",
    "idx_llm_metrics_tier_model": "(tier, model_used)",
    "idx_llm_history_correlation": "(correlation_id)",
    "idx_llm_history_quality": "(quality_score DESC)",
    "idx_llm_history_node_type": "(node_type)",
    "idx_llm_history_validation_quality": "(validation_passed, quality_score DESC)",
    "idx_llm_patterns_type": "(pattern_type)",
    "idx_llm_patterns_node_type": "(node_type)",
    "idx_llm_patterns_quality": "(avg_quality_score DESC)",
    "idx_llm_patterns_usage": "(usage_count DESC)",
}


def rows(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_insert_and_the_cost_query_run_as_printed():
    execute(INSERT)
    execute(INSERT)
    assert rows(COST_BY_MODEL) == [("cloud_fast", "glm-4.5", 2, Decimal("0.00092"), 245.5)]
    stored = GenerationMetric.objects.first()
    assert stored is not None
    assert (stored.error_code, stored.attempts, stored.truncated) == ("", [], False)


def test_the_high_quality_query_runs_as_printed():
    execute(INSERT)
    call = GenerationMetric.objects.get()
    for score, passed in ((0.92, True), (0.84, True), (0.99, False)):
        GenerationHistory.objects.create(
            correlation_id=call.correlation_id,
            node_type="effect",
            method_name="create_connection",
            prompt_text="Write it.",
            generated_code="def create_connection(): ...",
            quality_score=score,
            validation_passed=passed,
        )
    assert rows(HIGH_QUALITY) == [("effect", "create_connection", 0.92, "glm-4.5", 2300)]


def test_raw_inserts_of_history_and_patterns_need_only_their_facts():
    execute(
        "INSERT INTO llm_generation_history (correlation_id, node_type, method_name, prompt_text,"
        " generated_code, quality_score, validation_passed)"
        " VALUES (gen_random_uuid(), 'effect', 'f', 'p', 'c', 0.92, true)"
    )
    execute(
        "INSERT INTO llm_patterns (pattern_type, pattern_data)"
        """ VALUES ('high_quality_prompt', '{"template": "x"}')"""
    )
    assert GenerationHistory.objects.get().user_accepted is None
    pattern = Pattern.objects.get()
    assert (pattern.usage_count, pattern.pattern_data) == (0, {"template": "x"})


def test_every_index_of_the_seed_exists_by_its_name():
    found = dict(
        rows(
            "SELECT indexname, substring(indexdef FROM '\\(.*\\)$') FROM pg_indexes"
            " WHERE indexname = ANY(%s)",
            [list(SEED_INDEXES)],
        )
    )
    assert found == SEED_INDEXES


def test_the_cost_query_reads_no_month_before_last_week():
    partitions.keep_ahead(months_back=6)
    plan = "\n".join(line for (line,) in rows("EXPLAIN " + COST_BY_MODEL))
    (week_ago,) = rows("SELECT NOW() - INTERVAL '7 days'")[0]
    needed = partitions.month_start(week_ago)
    with connection.cursor() as cursor:
        months = partitions.existing(cursor, "llm_generation_metrics")
    assert {month.name for month in months if month.name in plan} == {
        month.name for month in months if month.start >= needed
    }


@pytest.mark.parametrize(
    ("old", "new", "constraint"),
    [
        ("1500, 800, 2300", "1500, 800, 2301", "llm_metrics_tokens_total_is_sum"),
        ("0.00046", "-0.00046", "llm_metrics_cost_not_negative"),
        ("0.00046", "'NaN'", "llm_metrics_cost_not_negative"),
        ("245.5", "-245.5", "llm_metrics_sizes_not_negative"),
    ],
)
def test_the_database_refuses_impossible_figures(old, new, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        execute(INSERT.replace(old, new))


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("tokens_cached_input", -1, "llm_metrics_tokens_not_negative"),
        ("tokens_cached_input", 1501, "llm_metrics_cached_within_input"),
        ("tokens_reasoning", 801, "llm_metrics_reasoning_within_output"),
    ],
)
def test_a_part_of_the_tokens_is_neither_negative_nor_more_than_all_of_them(
    column, value, constraint
):
    execute(INSERT)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        GenerationMetric.objects.update(**{column: value})


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_quality_outside_0_to_1_is_refused(score):
    with (
        pytest.raises(IntegrityError, match="llm_patterns_quality_between_0_and_1"),
        transaction.atomic(),
    ):
        Pattern.objects.create(
            pattern_type="common_error", pattern_data={}, avg_quality_score=score
        )
    with (
        pytest.raises(IntegrityError, match="llm_history_quality_between_0_and_1"),
        transaction.atomic(),
    ):
        GenerationHistory.objects.create(
            correlation_id="0f0e0d0c-0b0a-4908-8706-050403020100", quality_score=score
        )
