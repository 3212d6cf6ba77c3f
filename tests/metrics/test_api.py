"""Figures for programs: the API, CSV, Prometheus and the command, all saying the same."""

import csv
import datetime as dt
import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from llmconfig.client.types import Labels
from metrics import rollups
from metrics.csv_export import csv_lines
from metrics.recording import record_call
from tests.api import caller
from tests.metrics.calls import BATCH, TEXTS, a_record

pytestmark = pytest.mark.django_db

V1 = "/api/v1/llm/metrics"
NOW = dt.datetime.now(dt.UTC)


def record(**changes):
    made = a_record(**{"created_at": NOW, "cache_hit": False, "saved_usd": None, **changes})
    record_call(made, TEXTS)
    return made


@pytest.fixture
def viewer():
    return caller("viewer")


def get(client, path, **parameters):
    answer = client.get(f"{V1}/{path}", parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refusal(client, path, **parameters):
    answer = client.get(f"{V1}/{path}", parameters)
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    return error["field"], error["message"]


def test_a_breakdown_says_what_each_model_cost(viewer):
    record(model="a", cost_usd=Decimal("0.25"), latency_ms=100)
    record(model="b", cost_usd=None, error_code="timeout")
    found = get(viewer, "breakdown", by="model,outcome")["results"]
    assert [(row["dimensions"], row["cost_usd"], row["unpriced"]) for row in found] == [
        ({"model": "a", "outcome": ""}, "0.2500000000", 0),
        ({"model": "b", "outcome": "timeout"}, None, 1),
    ]
    assert found[0]["p95_latency_ms"] == pytest.approx(100, rel=0.05)
    assert found[0]["period"] is None
    only = get(viewer, "breakdown", by="model", model="b")["results"]
    assert [row["calls"] for row in only] == [1]


def test_a_series_has_a_row_for_each_hour_or_day(viewer):
    record()
    record(created_at=NOW - dt.timedelta(days=1))
    assert [row["calls"] for row in get(viewer, "series")["results"]] == [1, 1]
    hours = get(viewer, "series", grain="hour")["results"]
    assert hours[-1]["period"] == NOW.replace(minute=0, second=0, microsecond=0).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.mark.parametrize(
    ("path", "parameters", "field", "message"),
    [
        ("breakdown", {"by": "colour"}, None, "no dimension 'colour'"),
        ("breakdown", {"by": "model,model"}, "by", "at most 3 different"),
        ("breakdown", {"since": "2026-01-02", "until": "2026-01-01"}, "since", "before `until`"),
        ("series", {"since": "2020-01-01T00:00Z", "grain": "hour"}, "since", "at most 62 days"),
        ("series", {"colour": "red"}, "colour", "no such field"),
        ("series", {"until": "0001-01-02T00:00Z"}, "until", "later time"),
        ("calls", {"after": "yesterday"}, "after", "Give `next`"),
        ("calls", {"limit": "201"}, "limit", "200"),
        ("calls", {"metadata": "run"}, "metadata", "name:value"),
        ("what-if", {"on_provider": "x", "on_model": "y"}, None, "x/y has no known price"),
        ("forecast", {}, None, "needs 3 whole days"),
        ("quality", {"by": "colour"}, "by", "not a valid choice"),
    ],
)
def test_what_cant_be_answered_is_refused_by_name(viewer, path, parameters, field, message):
    found = refusal(viewer, path, **parameters)
    assert found[0] == field
    assert message in found[1]


def test_pages_of_calls_show_each_once_whatever_is_added_meanwhile(viewer):
    moments = [NOW - dt.timedelta(seconds=second // 3) for second in range(9)]  # three at a time
    written = [str(record(created_at=moment).correlation_id) for moment in moments]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = get(viewer, "calls", limit=2, **after)
        seen += [row["correlation_id"] for row in page["results"]]
        if page["next"] is None:
            break
        after = {"after": page["next"], "until": (NOW + dt.timedelta(1)).isoformat()}
        record(created_at=NOW + dt.timedelta(seconds=1))
    assert sorted(seen) == sorted(written)
    assert "attempts" not in page["results"][0]


def test_calls_are_kept_by_batch_and_dimension(viewer):
    record(node="a")
    record(node="b")
    assert len(get(viewer, "calls", batch=str(BATCH))["results"]) == 2
    assert [row["method_name"] for row in get(viewer, "calls", node="b")["results"]] == ["b"]
    assert get(viewer, "calls", organization="8")["results"] == []


def test_calls_and_their_cost_are_found_by_key_end_user_tag_and_metadata(viewer):
    def made(cost, account, *tags, **pairs):
        labels = Labels(account=account, end_user=f"of {account}", tags=tags, metadata=pairs)
        return str(record(labels=labels, cost_usd=Decimal(cost)).correlation_id)

    both = made("1", "website", "dogs", "nightly", run="7")
    one = made("2", "website", "dogs")
    none = made("4", "app", run="8")
    for wanted, ids in (
        ({"key": "website"}, {both, one}),
        ({"end_user": "of app"}, {none}),
        ({"tag": "nightly"}, {both}),
        ({"metadata": "run:8"}, {none}),
        ({"metadata": "run:9"}, set()),
        ({"tag": "dogs", "metadata": "run:7"}, {both}),
    ):
        found = get(viewer, "calls", **wanted)["results"]
        assert {row["correlation_id"] for row in found} == ids, wanted
    sums = {
        by: {
            row["dimensions"][by]: f"{row['calls']}: {Decimal(row['cost_usd']).normalize()}"
            for row in get(viewer, "breakdown", by=by)["results"]
        }
        for by in ("key", "tag")
    }
    assert sums["key"] == {"website": "2: 3", "app": "1: 4"}
    assert sums["tag"] == {"dogs": "2: 3", "nightly": "1: 1", None: "1: 4"}
    (kept,) = get(viewer, "breakdown", tag="dogs")["results"]
    assert kept["calls"] == 2
    assert Decimal(kept["cost_usd"]) == 3


def test_a_call_is_shown_with_its_attempts(viewer):
    made = record()
    (shown,) = get(viewer, f"calls/{made.correlation_id}")["results"]
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["http_429", "ok"]
    missing = viewer.get(f"{V1}/calls/{BATCH}")
    assert missing.status_code == 404
    assert "no longer kept" in missing.json()["error"]["message"]


def test_quality_and_experiments_are_served_with_their_intervals(viewer):
    record(experiment="e", experiment_arm="control")
    (found,) = get(viewer, "quality", by="node")["results"]
    assert (found["passed"]["hits"], found["passed"]["value"]) == (1, 1.0)
    assert 0 < found["passed"]["low"] < 1
    assert get(viewer, "experiments/e")["arms"][0]["succeeded"]["number"] == 1


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_becomes_a_formula(start):
    (_, line) = csv_lines(["model"], [[f"{start}cmd|' /C calc'!A0"]])
    (cell,) = next(csv.reader(StringIO(line, newline="")))
    assert cell == f"'{start}cmd|' /C calc'!A0"


def test_the_export_holds_the_series_safely(viewer):
    record(model="=1+1", cost_usd=Decimal("0.0000001"))
    answer = viewer.get(f"{V1}/series.csv", {"by": "model"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(StringIO(answer.content.decode()))
    assert (row["model"], row["cost_usd"], row["calls"]) == ("'=1+1", "0.0000001000", "1")


def samples(text):
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


@pytest.mark.parametrize("rolled_up", [False, True])
def test_prometheus_finds_todays_counters(viewer, rolled_up):
    record(node='a"b\\c\nd', model="m", cost_usd=Decimal("0.5"), latency_ms=100)
    record(node="a", model="m", cost_usd=None, error_code="timeout", latency_ms=20)
    record(node="a", created_at=NOW - dt.timedelta(days=1))
    if rolled_up:
        rollups.roll_up()
    answer = viewer.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    text = answer.content.decode()
    found = samples(text)
    labels = '{node="a\\"b\\\\c\\nd",provider="openrouter",model="m",outcome="ok"}'
    assert found[f"nodewise_calls_total{labels}"] == 1
    assert found[f"nodewise_cost_usd_total{labels}"] == 0.5
    timeout = '{node="a",provider="openrouter",model="m",outcome="timeout"}'
    assert found[f"nodewise_unpriced_calls_total{timeout}"] == 1
    duration = "nodewise_call_duration_seconds"
    assert found[f'{duration}_bucket{{node="a",le="0.016"}}'] == 0
    assert found[f'{duration}_bucket{{node="a",le="0.032"}}'] == 1
    assert found[f'{duration}_bucket{{node="a",le="+Inf"}}'] == 1
    assert found[f'{duration}_count{{node="a"}}'] == 1
    assert found[f'{duration}_sum{{node="a"}}'] == 0.02
    assert text.count("# TYPE nodewise_calls_total counter") == 1


def test_strangers_see_no_figures():
    for path in ("/metrics", f"{V1}/breakdown", f"{V1}/calls"):
        assert caller("anonymous").get(path).status_code == 401


def costs(*arguments):
    out = StringIO()
    call_command("llm_costs", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_tells_costs_as_a_table_as_json_and_as_csv():
    assert costs() == "No calls in this time.\n"
    record(model="@big", cost_usd=Decimal("0.5"))
    record(model="small\nworld", cost_usd=None)
    header, first, second = costs().splitlines()
    assert header.split()[:4] == ["model", "calls", "failed", "unpriced"]
    assert first.split()[:4] == ["@big", "1", "0", "0"]
    assert second.split()[:4] == ["small?world", "1", "0", "1"]
    big, small = json.loads(costs("--json", "--by", "model,node", "--daily"))
    assert (big["cost_usd"], small["cost_usd"]) == ("0.5000000000", None)
    assert (big["day"], big["node"]) == (f"{NOW:%Y-%m-%d}", "description_cleaning")
    assert costs("--csv").splitlines()[1].startswith("'@big,1,0,0,950,215,0.5000000000")


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--days", "0"], "1 to 3660"), (["--by", "x"], "no dimension 'x'")]
)
def test_the_command_refuses_nonsense_by_name(arguments, message):
    with pytest.raises(CommandError, match=message):
        costs(*arguments)


def test_usage_tells_all_at_a_glance(viewer):
    record(model="a", node="tag", cost_usd=Decimal("0.25"))
    record(model="b", node="tag", cost_usd=Decimal("0.5"))
    answer = viewer.get("/api/v1/llm/usage")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["total"]["calls"], found["total"]["cost_usd"]) == (2, "0.7500000000")
    assert [row["dimensions"]["model"] for row in found["by_model"]] == ["b", "a"]
    assert [row["calls"] for row in found["by_node"]] == [2]
    assert viewer.get("/api/v1/llm/usage?since=never").status_code == 400
