"""`sync_llm_config --check --cost`: what a change of the nodes file would have cost."""

import contextlib
import datetime as dt
import json
import uuid
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrichment.batches.cascade_checks import problem_of
from llmconfig.configuration import cascade_rules, snapshot
from llmconfig.configuration.cost_of_changes import (
    CostOfChange,
    DollarRange,
    NodeCost,
    as_markdown,
)
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.revisions import change
from llmconfig.models import (
    ConfigVersion,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
    Revision,
)
from metrics import partitions
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db

CHEAP, DEAR = ("small", Decimal(1), Decimal(4)), ("large", Decimal(10), Decimal(40))
NODES = "tag:\n  default_model: acme/{model}\n  default_max_tokens: {limit}\n"


@pytest.fixture
def nodes(tmp_path, settings):
    """A file with the node `tag`, in force; call it to change the model or the limit."""
    path = tmp_path / "nodes.yaml"
    settings.LLM_NODES_FILE = str(path)

    def write(model="small", limit=1000):
        path.write_text(NODES.format(model=model, limit=limit))

    with change(source="shell"):
        provider = Provider.objects.create(
            name="acme", provider_type="custom", api_base_url="http://a.example/v1"
        )
        for name, prompt, answer in (CHEAP, DEAR):
            model = ProviderModel.objects.create(provider=provider, model_id=name)
            ModelPrice.objects.create(
                model=model,
                input_per_1m=prompt,
                output_per_1m=answer,
                valid_from=timezone.now() - dt.timedelta(days=100),
                source="manual",
            )
    write()
    call_command("sync_llm_config")
    return write


def called(number, *, model="small", node="tag", answer=500, days=1.0, **fields):
    """Past calls with prompts of 1,000 tokens."""
    at = timezone.now() - dt.timedelta(days=days)
    partitions.keep_ahead(now=at)
    made = [
        GenerationMetric(
            correlation_id=uuid.uuid4(),
            method_name=node,
            model_used=model,
            tokens_input=1000,
            tokens_output=answer,
            tokens_total=1000 + answer,
            created_at=at,
            **fields,
        )
        for _ in range(number)
    ]
    GenerationMetric.objects.bulk_create(made)


def told(capsys, *flags):
    """The command's answer as JSON."""
    capsys.readouterr()
    with contextlib.suppress(CommandError):  # --check ends so, since file and database differ
        call_command("sync_llm_config", "--cost", "--json", *flags)
    return json.loads(capsys.readouterr().out)["cost"]


def test_a_change_of_model_costs_its_price_with_a_range_for_unknown_answers(nodes, capsys):
    called(200)
    called(50, node="another")
    nodes(model="large")
    before = NodeConfiguration.objects.values().get(), ConfigVersion.objects.values().get()
    revisions = Revision.objects.count()
    found = told(capsys, "--check")
    (node,) = found["nodes"]
    assert (node["node"], node["calls"]) == ("tag", 200)
    assert (node["before"], node["after"]) == ("acme/small", "acme/large")
    # 200 calls of 1,000 tokens in and 500 out: $1 and $4 a million become $10 and $40.
    assert node["before_usd"] == pytest.approx(200 * (0.001 + 0.002))
    low, middle, high = (node["difference"][each] for each in ("p10", "p50", "p90"))
    assert low < middle < high
    assert middle == pytest.approx(200 * (0.009 + 0.018), rel=0.1)
    assert high - low > 0.3 * middle
    assert "hardly answered here" in node["doubt"]
    assert found["difference_usd"] == node["difference"]
    assert (
        NodeConfiguration.objects.values().get(),
        ConfigVersion.objects.values().get(),
    ) == before
    assert Revision.objects.count() == revisions
    assert explain("tag", snapshot=snapshot.current()).targets[0].model_id == "small"


def test_a_models_own_calls_tell_how_long_its_answers_are(nodes, capsys):
    called(200)
    called(60, model="large", answer=100)
    nodes(model="large")
    (node,) = told(capsys, "--dry-run")["nodes"]
    # All 260 at the dear price, with answers of 100 tokens.
    assert node["after_usd"]["p50"] == pytest.approx(260 * (0.01 + 0.004), rel=0.15)
    assert "comes from 60 calls" in node["doubt"]


@pytest.mark.parametrize(
    ("fields", "days"),
    [({}, 31.0), ({"error_code": "http_500"}, 1.0), ({"cache_hit": True}, 1.0)],
)
def test_old_failed_and_cached_calls_count_for_nothing(nodes, capsys, fields, days):
    called(20, days=days, **fields)
    nodes(model="large")
    assert told(capsys, "--check") == {
        "days": 30,
        "nodes": [],
        "difference_usd": {"p10": 0.0, "p50": 0.0, "p90": 0.0},
    }


def test_a_lower_limit_on_answers_cuts_them_and_costs_less(nodes, capsys):
    called(100)
    nodes(limit=250)
    (node,) = told(capsys, "--check")["nodes"]
    assert node["difference"]["p50"] == pytest.approx(-100 * 0.001, rel=0.01)


def cascading(nodes, tmp_path, cheap):
    """The file's node asks large, after `cheap` unless that is blank."""
    nodes(model="large")
    if cheap:
        path = tmp_path / "nodes.yaml"
        path.write_text(f"{path.read_text()}  cascade_model: acme/{cheap}\n")
    else:
        path = tmp_path / "nodes.yaml"
        path.write_text(f"{path.read_text()}  cascade_model: null\n")


def test_a_new_cascade_saves_an_unknown_share_of_the_batches_calls(nodes, capsys, tmp_path):
    nodes(model="large")
    call_command("sync_llm_config")
    called(200, model="large", service_name="enrichment")
    called(60, model="large", tool_calls=["look_up"])  # single ones that no cascade answers
    called(20, model="large", service_name="evaluation")
    called(20, model="another")  # its callers named a model
    cascading(nodes, tmp_path, "small")
    (node,) = told(capsys, "--check")["nodes"]
    assert (node["before"], node["after"]) == ("acme/large", "acme/small first, then acme/large")
    dear, cheap = 0.01 + 0.02, 0.001 + 0.002
    assert node["before_usd"] == pytest.approx(300 * dear)
    low, middle, high = (node["after_usd"][each] for each in ("p10", "p50", "p90"))
    assert middle == pytest.approx(100 * dear + 200 * (cheap + 0.6 * dear), rel=0.1)
    assert low < middle * 0.85
    assert high > middle * 1.1
    assert "how many rows' cheap answers" in node["doubt"]
    assert "single calls" not in node["doubt"]


def test_single_calls_may_go_through_a_new_cascade_nobody_knows_how_many(nodes, capsys, tmp_path):
    nodes(model="large")
    call_command("sync_llm_config")
    called(200, model="large")
    cascading(nodes, tmp_path, "small")
    (node,) = told(capsys, "--check")["nodes"]
    dear, cheap = 0.01 + 0.02, 0.001 + 0.002
    low, middle, high = (node["after_usd"][each] for each in ("p10", "p50", "p90"))
    # Half of them, and of these two fifths keep the cheap answer.
    assert middle == pytest.approx(200 * (dear + 0.5 * (cheap - 0.4 * dear)), rel=0.1)
    assert low < 200 * (dear - 0.25 * dear)
    assert 200 * dear < high < 200 * (dear + 1.6 * cheap)
    assert "Which of its single calls go through it is unknown" in node["doubt"]
    assert "rows" not in node["doubt"]


def test_what_single_calls_kept_is_known_from_their_records(nodes, capsys, tmp_path):
    cascading(nodes, tmp_path, "small")
    call_command("sync_llm_config")
    called(150, model="small", metadata={"cascade": "kept"})
    called(40, model="large", metadata={"cascade": "own"})
    called(10, model="large", metadata={"cascade": "audited"})
    beside = {"cascade_for": "tag"}
    called(40, model="small", metadata={"cascade": "own", **beside})
    called(10, model="small", metadata={"cascade": "audited", **beside})
    called(30, model="large", metadata={"cascade": "rests"})
    called(20, model="large", tool_calls=["look_up"])
    dear, cheap = 0.01 + 0.02, 0.001 + 0.002
    before = 200 * cheap + 100 * dear
    cascading(nodes, tmp_path, "")
    (node,) = told(capsys, "--check")["nodes"]
    assert node["before_usd"] == pytest.approx(before)
    assert node["after_usd"]["p50"] == pytest.approx(250 * dear, rel=0.1)
    cascading(nodes, tmp_path, "small")
    path = tmp_path / "nodes.yaml"
    path.write_text(path.read_text().replace("1000", "999"))
    (node,) = told(capsys, "--check")["nodes"]
    assert node["doubt"] == "75 % of its single calls kept the cheap answer."
    assert node["difference"]["p50"] == pytest.approx(0, abs=0.15 * before)


def test_rows_and_single_calls_have_each_their_own_share(nodes, capsys, tmp_path):
    cascading(nodes, tmp_path, "small")
    call_command("sync_llm_config")
    called(100, model="small", service_name="enrichment")
    called(80, model="large", service_name="enrichment")
    called(90, model="small", metadata={"cascade": "kept"})
    called(10, model="large", metadata={"cascade": "own"})
    called(10, model="small", metadata={"cascade": "own", "cascade_for": "tag"})
    cascading(nodes, tmp_path, "small")
    path = tmp_path / "nodes.yaml"
    path.write_text(path.read_text().replace("1000", "999"))
    (node,) = told(capsys, "--check")["nodes"]
    assert "20 % of the rows of its batches" in node["doubt"]
    assert "90 % of its single calls" in node["doubt"]
    assert node["difference"]["p50"] == pytest.approx(0, abs=0.15 * node["before_usd"])


def test_gates_score_no_single_call(nodes, capsys, tmp_path, any_score):
    nodes(model="large")
    call_command("sync_llm_config")
    called(200, model="large")
    cascading(nodes, tmp_path, "small")
    path = tmp_path / "nodes.yaml"
    path.write_text(f"{path.read_text()}  cascade_score: gates\n")
    (node,) = told(capsys, "--check")["nodes"]
    assert node["difference"] == {"p10": 0, "p50": 0, "p90": 0}


@pytest.fixture
def any_score():
    """As where no enrichment says what scores a node's answers have."""
    cascade_rules.register(lambda *_: None)
    yield
    cascade_rules.register(problem_of)


def test_a_judge_reads_each_cheap_answer_and_its_calls_count(nodes, capsys, tmp_path, any_score):
    nodes(model="large")
    call_command("sync_llm_config")
    called(200, model="large", service_name="enrichment")
    cascading(nodes, tmp_path, "small")
    plain = told(capsys, "--check")["nodes"][0]
    path = tmp_path / "nodes.yaml"
    path.write_text(
        f"{path.read_text()}  cascade_score: judge\n  judge_rubric: Good.\n"
        "  judge_model: acme/large\n"
    )
    judged = told(capsys, "--check")["nodes"][0]
    # Of each row the judge reads prompt and answer, and answers with 60 tokens.
    word = 1500 * 10 / 1e6 + 60 * 40 / 1e6
    more = judged["after_usd"]["p50"] - plain["after_usd"]["p50"]
    assert more == pytest.approx(200 * word, rel=0.3)
    assert "A judge reads each cheap answer" in judged["doubt"]


def test_without_its_cascade_every_row_costs_a_dear_call(nodes, capsys, tmp_path):
    cascading(nodes, tmp_path, "small")
    call_command("sync_llm_config")
    called(200, model="small", service_name="enrichment")
    called(80, model="large", service_name="enrichment")
    cascading(nodes, tmp_path, "")
    (node,) = told(capsys, "--check")["nodes"]
    dear, cheap = 0.01 + 0.02, 0.001 + 0.002
    assert node["before_usd"] == pytest.approx(200 * cheap + 80 * dear)
    assert node["after_usd"]["p50"] == pytest.approx(200 * dear, rel=0.1)
    cascading(nodes, tmp_path, "small")
    nodes_file = tmp_path / "nodes.yaml"
    nodes_file.write_text(nodes_file.read_text().replace("1000", "999"))
    (node,) = told(capsys, "--check")["nodes"]
    assert "60 %" in node["doubt"]  # 120 of 200 rows have no dear call
    assert node["difference"]["p50"] == pytest.approx(0, abs=0.15 * node["before_usd"])


def test_an_unknown_price_is_unknown_and_not_zero(nodes, capsys):
    called(10)
    with change(source="shell"):
        ProviderModel.objects.create(provider=Provider.objects.get(name="acme"), model_id="new")
    nodes(model="new")
    found = told(capsys, "--check")
    assert found["nodes"][0]["after_usd"] is found["nodes"][0]["difference"] is None
    assert found["difference_usd"] is None


def test_the_text_is_ready_for_a_pull_request(nodes, capsys):
    called(1000)
    nodes(model="large")
    capsys.readouterr()
    with pytest.raises(CommandError, match="The file says what the database"):
        call_command("sync_llm_config", "--check", "--cost")
    said = capsys.readouterr().out
    assert "### What this change would have cost on the last 30 days' calls" in said
    assert "| tag | 1,000 | acme/small → acme/large | $3.00 |" in said
    assert "| **all** | 1,000 | | | | +$" in said


def test_a_reader_of_the_text_learns_what_is_unknown_and_who_would_be_left_alone():
    cent, dollars = DollarRange(0.01, 0.01, 0.01), DollarRange(1, 2, 3)
    nodes = (
        NodeCost("same", 1, "a/b", "a/b", 0.01, cent, "as long as before."),
        NodeCost("gone", 2, "a/b", "", 0.01, DollarRange(0, 0, 0)),
        NodeCost("new", 3, "a/b", "a/c", 0.01, None),
        NodeCost("old", 4, "a/c", "a/b", None, dollars),
        NodeCost("more", 5, "a/b", "a/d", 1, dollars),
    )
    said = as_markdown(CostOfChange(30, nodes, None)).splitlines()
    assert "| same | 1 | a/b | $0.0100 | $0.0100 | none |" in said
    assert "| gone | 2 | a/b → nobody | $0.0100 | $0.0000 | -$0.0100 |" in said
    assert "| more | 5 | a/b → a/d | $1.00 | $2.00 | +$1.00 (+$0.0000 to +$2.00) |" in said
    assert "| **all** | 15 | | | | unknown |" in said
    assert "- gone: nobody would answer its calls any more." in said
    assert any(each.startswith("- new: the price of a/c is unknown") for each in said)
    assert any(each.startswith("- old: the price of a/c is unknown") for each in said)
    assert "- same: as long as before." in said


def test_cost_is_told_before_a_write_alone(nodes):
    with pytest.raises(CommandError, match="add --check or --dry-run"):
        call_command("sync_llm_config", "--cost")
