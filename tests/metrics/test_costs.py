"""The cost analyzer by API and command: batches and users, other models, forecasts, savings."""

import datetime as dt
import json
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from llmconfig.client.types import Labels, Usage
from llmconfig.configuration import snapshot
from llmconfig.models import ModelPrice, Provider, ProviderModel
from llmconfig.runtime.records import replace
from metrics import partitions, rollups
from metrics.errors import Unanswerable
from metrics.models import OverviewRollup
from metrics.queries import ask
from metrics.questions import Grain, MetricsQuestion
from metrics.recording import record_call
from tests.api import caller
from tests.metrics.calls import ANSWERED, BATCH, TEXTS, a_record

pytestmark = pytest.mark.django_db

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
OTHER = UUID("1f0e0d0c-0b0a-4908-8706-050403020100")
V1 = "/api/v1/llm/metrics"


def record(*, batch=BATCH, **changes):
    labels = Labels("enrichment", "description_cleaning", batch, 7, prompt_version=4)
    facts = {"created_at": NOW, "labels": labels, "cache_hit": False, "saved_usd": None}
    record_call(a_record(**(facts | changes)), TEXTS)


def get(path, **parameters):
    answer = caller("viewer").get(f"{V1}/{path}", parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"] if "results" in answer.json() else answer.json()


def costs(*arguments):
    out = StringIO()
    call_command("llm_costs", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def a_price():
    """The model of the recorded calls, at 1, 10, 0.1 read and 1.25 written for a million."""
    provider = Provider.objects.create(
        name="openrouter", provider_type="custom", api_base_url="http://127.0.0.1:1/v1"
    )
    model = ProviderModel.objects.create(provider=provider, model_id="qwen-32b")
    ModelPrice.objects.create(
        model=model,
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        input_per_1m=Decimal(1),
        output_per_1m=Decimal(10),
        cached_input_per_1m=Decimal("0.1"),
        cache_write_per_1m=Decimal("1.25"),
    )
    snapshot.expire()


def test_the_command_names_users_and_writes_a_zero_as_one():
    ann = User.objects.create_user("ann")
    record(cost_usd=Decimal("0E-10"), user_id=ann.pk)
    record(cost_usd=Decimal(2), user_id=987)
    rollups.roll_up()
    table = costs("--by", "user")
    assert {line.split()[0] for line in table.splitlines()} == {"user", "ann", "987"}
    assert "E-" not in table
    assert "E-" not in costs("--by", "user", "--json")
    for only in ("ann", str(ann.pk)):
        (row,) = json.loads(costs("--by", "user", "--only", f"user={only}", "--json"))
        assert row["calls"] == 1
    with pytest.raises(CommandError, match="'nobody' is the id of no user"):
        costs("--only", "user=nobody")


def test_cost_is_told_by_batch_and_by_user():
    record(cost_usd=Decimal("0.5"), user_id=3)
    record(cost_usd=None, user_id=4)
    record(batch=OTHER, cost_usd=Decimal(2), user_id=4)
    partitions.keep_ahead(months_back=2)
    record(batch=None, cost_usd=Decimal(9), user_id=None, created_at=NOW - 40 * DAY)
    rollups.roll_up()
    batches = get("breakdown", by="batch")
    assert [(row["dimensions"]["batch"], row["cost_usd"], row["unpriced"]) for row in batches] == [
        (str(OTHER), "2.0000000000", 0),
        (str(BATCH), "0.5000000000", 1),
    ]
    both = get("breakdown", by="user,model", batch=str(BATCH))
    assert [row["dimensions"]["user"] for row in both] == [3, 4]
    assert both[0]["p50_latency_ms"] == pytest.approx(231, rel=0.05)
    told = json.loads(costs("--by", "user", "--json"))
    assert [(row["user"], row["cost_usd"]) for row in told] == [
        (4, "2.0000000000"),
        (3, "0.5000000000"),
    ]
    assert costs("--by", "batch", "--only", f"batch={OTHER}").splitlines()[1].startswith(str(OTHER))


@pytest.mark.parametrize("grain", list(Grain))
def test_sums_of_calls_and_of_rollups_agree(grain):
    for hours in range(0, 30, 3):
        record(created_at=NOW - dt.timedelta(hours=hours), cost_usd=Decimal(hours) / 7)
        record(created_at=NOW - dt.timedelta(hours=hours), cost_usd=None, error_code="timeout")
    rollups.roll_up()
    facts = {
        "since": NOW - DAY, "until": NOW, "grain": grain, "each_period": True, "latencies": True,
    }  # fmt: skip
    from_rollups = ask(MetricsQuestion(by=["outcome"], **facts))
    from_calls = ask(MetricsQuestion(by=["outcome"], only={"batch": BATCH}, **facts))
    assert from_calls == from_rollups
    assert len(from_calls) > 2


def test_batches_and_users_beside_something_else_are_asked_for_within_bounds():
    with pytest.raises(Unanswerable, match="at most 92 days"):
        ask(MetricsQuestion(since=NOW - 100 * DAY, until=NOW, by=["user"], only={"node": "x"}))
    with pytest.raises(CommandError, match="--by: By batch and model"):
        costs("--by", "batch,model", "--days", "120")
    with pytest.raises(CommandError, match="--only: 'x' is the id of no batch"):
        costs("--only", "batch=x")
    with pytest.raises(CommandError, match="--only: give NAME=VALUE, not 'batch'"):
        costs("--only", "batch")


def test_the_same_calls_are_priced_on_another_model_from_the_command(a_price):
    record(cost_usd=Decimal("0.01"))
    record(batch=OTHER, cost_usd=Decimal("0.01"))
    (found,) = json.loads(
        costs("--what-if", "openrouter/qwen-32b", "--only", f"batch={BATCH}", "--json")
    )
    # 800 plain, 100 read, 50 written, 215 out.
    assert found["would_cost_usd"] == "0.0030225000"
    assert found["difference_usd"] == "-0.0069775000"
    by_api = get("what-if", on_provider="openrouter", on_model="qwen-32b", batch=str(BATCH))
    assert by_api["would_cost_usd"] == found["would_cost_usd"]
    with pytest.raises(CommandError, match="--what-if: x/y has no known price"):
        costs("--what-if", "x/y")


def test_every_model_with_a_price_is_held_against_the_same_calls(a_price):
    provider = Provider.objects.get()
    for name, price, kind in (
        ("dear", 90, "chat"),
        ("unpriced", None, "chat"),
        ("vec", 0, "embedding"),
    ):
        model = ProviderModel.objects.create(provider=provider, model_id=name, kind=kind)
        ModelPrice.objects.create(
            model=model, valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC), input_per_1m=price,
            output_per_1m=price,
        )  # fmt: skip
    snapshot.expire()
    record(cost_usd=Decimal("0.01"))
    found = get("what-if/models", batch=str(BATCH))
    # 1,165 tokens at 90 dollars for a million.
    assert [(row["model"], row["would_cost_usd"]) for row in found] == [
        ("qwen-32b", "0.0030225000"),
        ("dear", "0.1048500000"),
    ]
    told = json.loads(costs("--what-if", "all", "--json"))
    assert [row["difference_usd"] for row in told] == ["-0.0069775000", "0.0948500000"]


def test_without_any_price_the_command_says_so():
    with pytest.raises(CommandError, match="--what-if: No model has a known price"):
        costs("--what-if", "all")


def test_the_months_end_is_forecast_from_the_command():
    with pytest.raises(CommandError, match="--forecast: A forecast needs 3 whole days"):
        costs("--forecast")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(1, 29):
        OverviewRollup.objects.create(
            period_start=today - back * DAY, calls=1, unpriced=0, cache_hits=0, cost_usd=2,
            latency_sum_ms=1, latency_buckets=[0], latency_counts=[1], tokens_input=0,
            tokens_output=0, tokens_cached_input=0, tokens_cache_write=0, tokens_reasoning=0,
        )  # fmt: skip
    (found,) = json.loads(costs("--forecast", "--json"))
    assert found["days_seen"] == 28
    # What is left of the month has become a little less.
    later = float(get("forecast")["expected_usd"])
    assert float(found["expected_usd"]) == pytest.approx(later, abs=0.01)
    assert "expected_usd" in costs("--forecast").splitlines()[0]


def test_savings_are_told_by_way_and_what_is_unknown_is_counted(a_price):
    ModelPrice.objects.create(
        model=ProviderModel.objects.get(),
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        service_tier="batch",
        input_per_1m=Decimal("0.25"),
        output_per_1m=Decimal(4),
    )
    snapshot.expire()
    plain = {"usage": Usage(1000, 0, 0, 100, 0)}
    record(cache_hit=True, saved_usd=Decimal("0.25"), cost_usd=Decimal(0), **plain)
    record(cache_hit=True, saved_usd=None, cost_usd=Decimal(0), **plain)
    batched = (replace(ANSWERED, batch_price=True),)
    record(attempts=batched, cost_usd=Decimal(3), **plain)
    record(attempts=batched, cost_usd=None, model="unknown", **plain)
    record(usage=Usage(0, 1_000_000, 400_000, 10, 0))
    record(model="unknown", usage=Usage(0, 5_000, 0, 10, 0))
    partitions.keep_ahead(months_back=2)
    record(cost_usd=Decimal(9), saved_usd=None, created_at=NOW - 40 * DAY, attempts=batched)
    # Read a million at 0.1 instead of 1, and written 400,000 at 1.25 instead of 1.
    expected = [
        ("response_cache", 2, 1, Decimal("0.25")),
        # 1,000 at 0.25 instead of 1 and 100 at 4 instead of 10, for a million.
        ("provider_batches", 2, 1, Decimal("0.00135")),
        ("prompt_cache", 1_005_000, 5_000, Decimal("0.8")),
    ]
    by_api = get("savings")
    assert [
        (row["way"], row["number"], row["unpriced"], Decimal(row["saved_usd"])) for row in by_api
    ] == expected
    by_command = json.loads(costs("--savings", "--days", "7", "--json"))
    assert [row["number"] for row in by_command] == [2, 2, 1_005_000]
    with pytest.raises(CommandError, match="--savings: Savings are read from the calls"):
        costs("--savings", "--days", "99")


def test_a_model_without_a_batch_price_claims_no_saving_by_batches(a_price):
    record(attempts=(replace(ANSWERED, batch_price=True),), cost_usd=Decimal(3))
    batches = next(row for row in get("savings") if row["way"] == "provider_batches")
    assert (batches["number"], batches["unpriced"], batches["saved_usd"]) == (1, 1, None)
    line = next(each for each in costs("--savings").splitlines() if "provider_b" in each)
    assert line.split() == ["provider_batches", "1", "1", "unpriced"]


def test_many_short_prompts_are_not_priced_as_a_long_one(a_price):
    ModelPrice.objects.create(
        model=ProviderModel.objects.get(),
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        above_prompt_tokens=1500,
        input_per_1m=Decimal(100),
        output_per_1m=Decimal(100),
    )
    snapshot.expire()
    for _ in range(2):
        record(usage=Usage(1000, 0, 0, 0, 0), cost_usd=None)
    found = get("what-if", on_provider="openrouter", on_model="qwen-32b")
    assert found["would_cost_usd"] == "0.0020000000"
    assert get("unpriced")[0]["would_cost_usd"] == "0.0020000000"


def test_where_nothing_was_saved_no_figure_is_claimed():
    assert {row["saved_usd"] for row in get("savings")} == {None}
    lines = costs("--savings").splitlines()
    assert lines[1].split() == ["response_cache", "0", "0", "-"]


def test_what_has_no_price_is_listed_with_what_it_would_have_cost(a_price):
    unknown = replace(ANSWERED, cost_usd=None, cost_source="unknown")
    record(cost_usd=None, attempts=(unknown,))
    record(cost_usd=None, attempts=(unknown,), model="house-model")
    record()
    rows = {row["model"]: row for row in get("unpriced")}
    assert rows.keys() == {"qwen-32b", "house-model"}
    assert rows["qwen-32b"]["calls"] == 1
    assert rows["qwen-32b"]["priced_by"] == "table"
    assert Decimal(rows["qwen-32b"]["would_cost_usd"]) > 0
    assert (rows["house-model"]["would_cost_usd"], rows["house-model"]["priced_by"]) == (None, "")
    said = costs("--unpriced")
    assert "house-model" in said
    assert "unpriced" in said
    assert "$0" not in said


def test_a_sum_that_nobody_knows_is_written_unpriced():
    record(cost_usd=None, attempts=(replace(ANSWERED, cost_usd=None),))
    assert "unpriced" in costs().splitlines()[-1]
