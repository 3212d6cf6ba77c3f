"""Every call leaves one row that tells the truth, whatever the texts hold."""

import datetime as dt
import logging
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import NO_LABELS, NO_USAGE, Attempt, Labels, Usage, UsageDetails
from llmconfig.runtime.records import field_names, replace
from metrics.models import GenerationHistory, GenerationMetric
from metrics.quality import rules
from metrics.recording import record_call, record_calls, write_records
from metrics.storable import storable
from tests.metrics.calls import BATCH, REFUSED, TEXTS, a_record

pytestmark = pytest.mark.django_db


def write(*pairs):
    with connection.cursor() as cursor:
        write_records(cursor, pairs)


def facts(row):
    """All that a row says but its own id."""
    return {
        field.name: getattr(row, field.name)
        for field in row._meta.local_fields
        if field.name != "id"
    }


def test_a_stored_attempt_has_every_field():
    attempt = Attempt("p", "m", "ok", 1.0, usage=Usage(details=UsageDetails(web_searches=2)))
    write((a_record(attempts=(attempt,)), TEXTS))
    stored = GenerationMetric.objects.get().attempts[0]
    assert set(stored) == {*field_names(Attempt)}
    assert set(stored["usage"]) == {*field_names(Usage)}
    assert stored["usage"]["details"]["web_searches"] == 2


def test_each_fact_of_a_call_has_its_column():
    record = a_record()
    record_call(record, TEXTS)
    assert facts(GenerationMetric.objects.get()) == {
        "created_at": record.created_at,
        "correlation_id": record.correlation_id,
        "session_id": BATCH,
        "node_type": "enricher",
        "service_name": "enrichment",
        "method_name": "description_cleaning",
        "operation_type": "description_cleaning",
        "tier": "cloud_fast",
        "provider": "openrouter",
        "model_used": "qwen-32b",
        "tokens_input": 950,
        "tokens_output": 215,
        "tokens_total": 1165,
        "tokens_cached_input": 100,
        "tokens_cache_write": 50,
        "tokens_reasoning": 15,
        "latency_ms": 231.0,
        "cost_usd": Decimal("0.0000001"),
        "original_cost_usd": None,
        "repriced_at": None,
        "prompt_version": 4,
        "syntax_valid": None,
        "onex_compliant": None,
        "has_type_hints": None,
        "security_issues": None,
        "finish_reason": "stop",
        "truncated": False,
        "prompt_length": 18,
        "response_length": 6,
        "error_code": "",
        "attempts": [
            {
                "provider": "openai",
                "model": "gpt-4o",
                "outcome": "http_429",
                "latency_ms": 20.5,
                "status": 429,
                "moved_on": "fallback",
                "retry_after_s": 2.0,
                "usage": {
                    **dict.fromkeys(
                        ("input", "cached_input", "cache_write", "output", "reasoning"), 0
                    ),
                    "details": None,
                },
                "cost_usd": None,
                "paid": False,
                "detail": "Slow down.",
                "request_id": "",
                "waited_ms": 0.0,
                "batch_price": False,
                "cost_source": "",
                "estimated_usd": None,
                "service_tier": "",
            },
            {
                "provider": "openrouter",
                "model": "qwen-32b",
                "outcome": "ok",
                "latency_ms": 210.25,
                "status": 200,
                "moved_on": "",
                "retry_after_s": None,
                "usage": {
                    "input": 800,
                    "cached_input": 100,
                    "cache_write": 50,
                    "output": 200,
                    "reasoning": 15,
                    "details": None,
                },
                "cost_usd": "0.0000001",
                "paid": True,
                "detail": "",
                "request_id": "req-1",
                "waited_ms": 0.0,
                "batch_price": False,
                "cost_source": "",
                "estimated_usd": None,
                "service_tier": "",
            },
        ],
        "dropped_params": ["temperature"],
        "config_revision": 12,
        "organization_id": 7,
        "account": "",
        "end_user": "",
        "tags": None,
        "metadata": None,
        "tool_calls": None,
        "tool_results_length": 0,
        "user_id": 3,
        "user_key": "",
        "cache_hit": False,
        "saved_usd": None,
        "experiment": "short-answers",
        "experiment_arm": "control",
    }


def test_the_texts_go_to_the_history_and_nowhere_else():
    record = a_record()
    record_call(record, TEXTS)
    assert facts(GenerationHistory.objects.get()) == {
        "created_at": record.created_at,
        "correlation_id": record.correlation_id,
        "node_type": "enricher",
        "method_name": "description_cleaning",
        "prompt_text": TEXTS.prompt,
        "generated_code": TEXTS.answer,
        "account": "",
        "end_user": "",
        "tags": None,
        "tool_calls": None,
        "quality_score": None,
        "quality_parts": None,
        "validation_passed": True,
        "user_accepted": None,
        "user_feedback": None,
        "manual_edits_required": None,
    }
    assert TEXTS.prompt not in str(facts(GenerationMetric.objects.get()))


def test_what_a_caller_says_and_what_tools_did_is_kept_whatever_it_holds():
    labels = Labels(
        account="website",
        end_user="rex\0",
        tags=("dogs", "caf\u00e9 \ud800"),
        metadata={"run\0": "7\ud800"},
    )
    called = ({"function": {"name": "find", "arguments": '{"q": "\ud800\0"}'}},)
    record = a_record(labels=labels, tool_calls=("find\0",), tool_results_length=2**40)
    record_call(record, Texts("Find it.", "", called))
    row = facts(GenerationMetric.objects.get())
    assert {name: row[name] for name in ("account", "end_user", "tags", "metadata")} == {
        "account": "website",
        "end_user": "rex\ufffd",
        "tags": ["dogs", "caf\u00e9 \ufffd"],
        "metadata": {"run\ufffd": "7\ufffd"},
    }
    assert (row["tool_calls"], row["tool_results_length"]) == (["find\ufffd"], 2**31 - 1)
    kept = GenerationHistory.objects.get()
    assert (kept.account, kept.end_user) == ("website", "rex\ufffd")
    assert kept.tags == row["tags"]
    assert kept.tool_calls == [{"function": {"name": "find", "arguments": '{"q": "\ufffd\ufffd"}'}}]


def test_one_call_and_a_batch_of_calls_leave_equal_rows():
    record = a_record(labels=NO_LABELS, user_id=None, finish_reason=None, attempts=())
    record_call(record, TEXTS)
    write((replace(record, id=uuid7()), TEXTS), (replace(record, id=uuid7()), TEXTS))
    one, *others = [facts(row) for row in GenerationMetric.objects.all()]
    assert others == [one, one]
    one, *others = [facts(row) for row in GenerationHistory.objects.all()]
    assert others == [one, one]


def test_a_record_that_is_written_again_makes_no_second_row():
    first, second = a_record(), a_record()
    record_calls([(first, TEXTS)])
    record_calls([(first, TEXTS), (second, TEXTS), (second, TEXTS)])
    record_call(second, TEXTS)
    for model in (GenerationMetric, GenerationHistory):
        assert model.objects.count() == 2
    third, fourth = (a_record(), TEXTS), (a_record(), TEXTS)
    write(third)
    with pytest.raises(IntegrityError), transaction.atomic():
        write(third, fourth)  # a batch's own transaction begins anew
    write(third, fourth)
    assert GenerationMetric.objects.count() == 4


def test_a_thousand_calls_cost_two_statements(django_assert_num_queries, settings):
    settings.DEBUG = True
    pairs = [(a_record(), TEXTS) for _ in range(1000)]
    rules.current()  # kept with the snapshot
    # COPY into the metrics, COPY into the history.
    with django_assert_num_queries(2):
        write(*pairs)
    assert GenerationMetric.objects.count() == GenerationHistory.objects.count() == 1000
    assert len(set(GenerationMetric.objects.values_list("id", flat=True))) == 1000


def test_a_failed_call_is_recorded_with_its_reason():
    record = a_record(
        error_code="generation_exhausted",
        finish_reason=None,
        model="",
        provider="",
        tier="",
        usage=NO_USAGE,
        cost_usd=Decimal(0),
        attempts=(REFUSED,),
    )
    record_call(record, Texts(prompt="Clean this.", answer=""))
    row = GenerationMetric.objects.get()
    assert (row.error_code, row.finish_reason, row.tokens_total) == (
        "generation_exhausted",
        None,
        0,
    )
    assert row.attempts[0]["outcome"] == "http_429"
    assert GenerationHistory.objects.get().validation_passed is False


def test_an_unpriced_call_stays_unpriced_and_a_free_one_costs_nothing():
    write((a_record(cost_usd=None), TEXTS), (a_record(cost_usd=Decimal(0)), TEXTS))
    assert set(GenerationMetric.objects.values_list("cost_usd", flat=True)) == {None, Decimal(0)}


HOSTILE = "nul \0, lone \ud800 and \udfff, \\N, \\x41, \t tab, \r\n, quote \" ' 𝄞 é"
HARMLESS = HOSTILE.replace("\0", "\ufffd").replace("\ud800", "\ufffd").replace("\udfff", "\ufffd")


def test_hostile_texts_break_no_write_and_stay_recognisable():
    attempt = Attempt("p", HOSTILE, "bad_reply", 1.0, detail=HOSTILE, request_id="\0")
    hostile = a_record(
        node=HOSTILE, model=HOSTILE, attempts=(attempt,), dropped_params=(HOSTILE,), tier="\0" * 99
    )
    write((a_record(), TEXTS), (hostile, Texts(prompt=HOSTILE, answer=HOSTILE)))
    row = GenerationMetric.objects.get(method_name=HARMLESS)
    assert (row.model_used, row.dropped_params) == (HARMLESS, [HARMLESS])
    assert row.attempts[0]["detail"] == row.attempts[0]["model"] == HARMLESS
    assert row.attempts[0]["request_id"] == "\ufffd"
    assert row.tier == "\ufffd" * 50
    history = GenerationHistory.objects.get(method_name=HARMLESS)
    assert history.prompt_text == history.generated_code == HARMLESS


def test_a_text_that_only_looks_like_an_escape_is_kept():
    looks = r"\u0000 and \\u0000"
    write((a_record(attempts=(Attempt("p", "m", "ok", 1.0, detail=looks),)), TEXTS))
    assert GenerationMetric.objects.get().attempts[0]["detail"] == looks


@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
@example("\0", "\0")
@example("\ud800", "\ud83d\ude00")
def test_any_text_is_stored_as_its_storable_form(prompt, answer):
    record = a_record(attempts=(Attempt("p", "m", "ok", 1.0, detail=prompt),), finish_reason=answer)
    write((record, Texts(prompt=prompt, answer=answer)))
    history = GenerationHistory.objects.get(correlation_id=record.correlation_id)
    row = GenerationMetric.objects.get(correlation_id=record.correlation_id)
    assert (history.prompt_text, history.generated_code) == (storable(prompt), storable(answer))
    assert (row.attempts[0]["detail"], row.finish_reason) == (
        storable(prompt),
        storable(answer)[:50],
    )
    assert len(storable(prompt)) == len(prompt)


def test_words_longer_than_their_column_are_cut():
    write((a_record(finish_reason="x" * 500, model="m" * 500, node="n" * 500), TEXTS))
    row = GenerationMetric.objects.get()
    assert (len(row.finish_reason or ""), len(row.model_used), len(row.method_name)) == (
        50,
        200,
        100,
    )


@pytest.mark.parametrize(
    "usage", [Usage(input=-1), Usage(output=2**31), Usage(input=10, output=-5)]
)
def test_impossible_token_counts_are_recorded_as_none_and_said_so(usage, caplog):
    write((a_record(usage=usage), TEXTS))
    assert GenerationMetric.objects.get().tokens_total == 0
    assert "openrouter reported impossible token counts" in caplog.text


@pytest.mark.parametrize("cost", ["-0.01", "NaN", "Infinity", "1000000"])
def test_an_impossible_cost_is_recorded_as_unknown_and_said_so(cost, caplog):
    write((a_record(cost_usd=Decimal(cost)), TEXTS))
    assert GenerationMetric.objects.get().cost_usd is None
    assert "openrouter reported an impossible cost" in caplog.text


def test_metrics_switched_off_leave_no_row(settings):
    settings.LLM_ENVIRONMENT = {"LLM_FEATURE_METRICS": False}
    record_call(a_record(), TEXTS)
    write((a_record(), TEXTS))
    assert not GenerationMetric.objects.exists()
    assert not GenerationHistory.objects.exists()


def test_history_switched_off_keeps_the_figures_but_no_texts(settings):
    settings.LLM_ENVIRONMENT = {"LLM_FEATURE_HISTORY": False}
    record_call(a_record(), TEXTS)
    write((a_record(), TEXTS))
    assert GenerationMetric.objects.count() == 2
    assert not GenerationHistory.objects.exists()


def test_the_client_hands_its_records_to_the_metrics():
    recorders.publish(a_record(), TEXTS)
    assert GenerationMetric.objects.count() == 1


def test_a_record_that_cant_be_stored_is_logged_and_fails_neither_call_nor_transaction(caplog):
    unstorable = a_record(created_at=dt.datetime(1999, 1, 1, tzinfo=dt.UTC))
    recorders.publish(unstorable, TEXTS)
    assert f"The record of call {unstorable.correlation_id} could not be stored." in caplog.text
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    recorders.publish(a_record(), TEXTS)
    assert GenerationMetric.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_dropped_during_the_call_is_replaced():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()
    record = a_record()
    record_call(record, TEXTS)
    # An endpoint of another test may have left records at its end.
    assert GenerationMetric.objects.filter(correlation_id=record.correlation_id).count() == 1


def test_a_batch_that_rolls_back_leaves_no_row():
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_the_batch")
        write_records(cursor, [(a_record(), TEXTS)])
        assert GenerationMetric.objects.count() == 1
        cursor.execute("ROLLBACK TO SAVEPOINT before_the_batch")
    assert not GenerationMetric.objects.exists()


def test_rows_are_keyed_in_the_order_of_time_and_their_long_texts_compressed_fast():
    for _ in range(3):
        write((a_record(), Texts(prompt="long " * 2000, answer="")))
    ids = list(GenerationMetric.objects.order_by("created_at").values_list("id", flat=True))
    assert ids == sorted(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT pg_column_compression(prompt_text) FROM llm_generation_history"
        )
        assert cursor.fetchall() == [("lz4",)]


@pytest.mark.parametrize("latency", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_latency_that_is_none_is_stored_as_0_and_refused_from_sql(latency):
    record_call(a_record(latency_ms=latency), TEXTS)
    assert GenerationMetric.objects.get().latency_ms == 0
    with pytest.raises(IntegrityError), transaction.atomic():
        GenerationMetric.objects.update(latency_ms=latency)


def test_words_of_any_length_are_stored():
    long = "x" * 1_000_000
    record_call(a_record(model=long, provider=long, finish_reason=long, error_code=long), TEXTS)
    assert len(GenerationMetric.objects.get().model_used) == 200
