"""Judges: held against reviewers before they decide anything, in both orders, then put to use."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from enrichment.batches import cascades, creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.items import load_items
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.errors import BadSelection
from enrichment.evaluations import attendance, judges, runs, sets
from enrichment.evaluations.comparison import PREFERRED, compare
from enrichment.evaluations.kappa import kappa_of
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.judging import judge_of, why_it_may_not_decide
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, EvaluationRun, JudgeCalibration
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, Provider, ProviderModel
from llmconfig.secrets import Secret
from metrics.models import GenerationMetric
from tests.api import caller
from tests.loopback import Loopback, loopback

NODE = "description_cleaning"
STORED = pytest.mark.django_db(transaction=True)
RUBRIC = "The text has no word twice in a row."


def is_bad(text: str) -> bool:
    """An erring model of the simulator says a word twice."""
    return re.search(r"\b(\w+) \1\b", text) is not None


class JudgeModel:
    """Answers as a judge does: always right, or by the place alone."""

    def __init__(self) -> None:
        self.by_place = False

    def __call__(self, body: Any) -> tuple[int, dict[str, Any]]:
        text = body["messages"][-1]["content"]
        shown = dict(re.findall(r"<(answer\w*)>\n(.*?)\n</answer", text, re.DOTALL))
        if "answer" in shown:
            said = {"reason": "r", "good": not is_bad(shown["answer"]), "confidence": 0.9}
        else:
            bad = [is_bad(shown[each]) for each in ("answer_a", "answer_b")]
            better = "same" if bad[0] == bad[1] else "B" if bad[0] else "A"
            said = {"reason": "r", "better": "A" if self.by_place else better}
        message = {"role": "assistant", "content": json.dumps(said)}
        return 200, {
            "id": "1", "object": "chat.completion", "created": 1, "model": "judge-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60},
        }  # fmt: skip


@pytest.fixture
def judging() -> JudgeModel:
    return JudgeModel()


@pytest.fixture
def bench(provider: Any, simulator: Any, judging: JudgeModel) -> Iterator[Loopback]:
    """A node whose answers `bench/judge-1` judges; gpt-4o-mini errs, gpt-4o doesn't."""
    for model in ("gpt-4o-mini", "gpt-4o"):
        ProviderModel.objects.get_or_create(provider=provider, model_id=model)
    simulator.control(
        left_out=0, marked=False, errs={"gpt-4o-mini": {"share": 0.3}, "gpt-4o": {"share": 0}}
    )
    with loopback(judging) as served:
        row = Provider(name="bench", provider_type="custom", api_base_url=f"{served.url}/v1")
        row.set_key(Secret("key-of-the-judge"))
        row.save()
        ProviderModel.objects.create(provider=row, model_id="judge-1")
        NodeConfiguration.objects.filter(node_name=NODE).update(
            default_model="sim/gpt-4o", judge_rubric=RUBRIC, judge_model="bench/judge-1"
        )
        snapshot.expire()
        yield served


def reviewed(count: int) -> None:
    """Reviewers leave every other answer, and take a doubled word out of the others."""
    ids = [str(each) for each in Animal.objects.order_by("pk").values_list("pk", flat=True)]
    items = list(load_items(get(NODE), ids[:count], variant=""))
    EnrichmentResult.objects.bulk_create(
        EnrichmentResult(
            enrichment=NODE, target="listings.Animal", row_id=item.row_id, state="applied",
            input_hash=item.input_hash, value=item.values["description"],
            before_decision={
                "state": "suggested", "suggestion": None, "previous_value": None,
                "value": ("Dog " if number % 2 else "") + item.values["description"],
            },
            reviewed_at=timezone.now(),
        )
        for number, item in enumerate(items)
    )  # fmt: skip


def calibrated(count: int = 40) -> Any:
    row = judges.begin_calibration(NODE, wanted=count, user=None)
    return judges.calibrate(row.pk)


@STORED
def test_a_calibration_whose_worker_was_killed_ends_with_a_reason(bench, make_animals):
    make_animals(40)
    reviewed(40)
    killed, left = (judges.begin_calibration(NODE, wanted=40, user=None) for _ in range(2))
    JudgeCalibration.objects.filter(pk=killed.pk).update(status="running")
    assert {row.pk for row in judges.unattended()} == {killed.pk, left.pk}
    with attendance.attending(killed.pk):
        assert [row.pk for row in judges.unattended()] == [left.pk]
    ended = judges.calibrate(killed.pk)
    assert (ended.status, ended.finished_at is None) == ("stopped", False)
    assert "died" in ended.status_reason
    assert judges.calibrate(left.pk).status == "done"
    assert judges.unattended() == []


def pair_of_runs() -> tuple[EvaluationRun, EvaluationRun]:
    made = sets.make_set("texts", NODE, CaseSource())
    first, second = (
        runs.carry_out(runs.begin(made, RunOrder(model=model), user=None).pk)
        for model in ("sim/gpt-4o-mini", "sim/gpt-4o")
    )
    return first, second


@STORED
def test_a_judge_decides_nothing_before_reviewers_agree_with_it(bench, judging, make_animals):
    make_animals(40)
    judge = judge_of(get(NODE))
    assert "isn't calibrated" in why_it_may_not_decide(judge)
    few = calibrated()
    assert (few.status, few.verdicts, few.kappa) == ("done", 0, None)
    assert "too few" in why_it_may_not_decide(judge)
    reviewed(40)
    found = calibrated()
    assert (found.verdicts, found.both_good, found.both_bad) == (40, 20, 20)
    assert found.kappa == 1 > found.kappa_high > found.kappa_low > 0.7
    assert (found.pairs, found.pairs_right, found.pairs_swayed) == (20, 20, 0)
    assert why_it_may_not_decide(judge) == ""
    # 40 grades, and 20 pairs in both orders; all are recorded as the judge's.
    assert GenerationMetric.objects.filter(service_name="judge").count() == 80 == len(bench.bodies)
    assert found.model == "judge-1"
    NodeConfiguration.objects.filter(node_name=NODE).update(judge_rubric="Another one.")
    snapshot.expire()
    assert "isn't calibrated" in why_it_may_not_decide(judge_of(get(NODE)))


@STORED
def test_a_judge_that_goes_by_the_place_is_found_out(bench, judging, make_animals):
    judging.by_place = True
    make_animals(20)
    reviewed(20)
    found = calibrated()
    assert (found.pairs, found.pairs_right) == (10, 0)
    assert (found.pairs_swayed, found.swayed_to_first) == (10, 10)
    first, second = pair_of_runs()
    assert judges.judge_runs(first, second) > 0
    shown = compare(first, second)
    assert shown.judged.swayed == shown.judged.pairs == shown.judged.of
    preferred = next(each for each in shown.differences if each.measure == PREFERRED)
    assert preferred.first == preferred.second == 0.5


@STORED
def test_a_calibrated_judges_preference_is_a_measure_of_two_runs(bench, make_animals):
    make_animals(60)
    first, second = pair_of_runs()
    asked = judges.judge_runs(first, second)
    assert asked >= 8
    before = compare(first, second)
    assert PREFERRED not in {each.measure for each in before.differences}
    assert (before.judged.pairs, before.judged.of) == (asked, asked)
    assert "isn't calibrated" in before.judged.rests
    reviewed(60)
    calibrated(60)
    shown = compare(first, second)
    preferred = next(each for each in shown.differences if each.measure == PREFERRED)
    assert preferred.verdict == "second"
    swapped = compare(second, first)
    preferred = next(each for each in swapped.differences if each.measure == PREFERRED)
    assert preferred.verdict == "first"
    calls = len(bench.bodies)
    assert judges.judge_runs(second, first) == 0  # what it has seen isn't asked again
    assert len(bench.bodies) == calls


@STORED
def test_without_a_rubric_there_is_no_judge(provider, make_animals):
    assert judge_of(get(NODE)) is None
    with pytest.raises(BadSelection, match="no rubric"):
        judges.begin_calibration(NODE, wanted=10, user=None)


@STORED
def test_a_judges_word_is_a_cascades_score(bench, simulator, make_animals):
    rows = 300
    make_animals(rows)
    for model, price in (("gpt-4o-mini", 1), ("judge-1", 1), ("gpt-4o", 40)):
        row = ProviderModel.objects.get(model_id=model)
        row.prices.all().delete()
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=price, output_per_1m=price)
    NodeConfiguration.objects.filter(node_name=NODE).update(
        cascade_model="sim/gpt-4o-mini", cascade_score="judge", cascade_target=0.9
    )
    snapshot.expire()
    assert "isn't calibrated" in cascades.terms_of(get(NODE)).rests
    reviewed(40)
    calibrated()
    EnrichmentResult.objects.all().delete()
    assert cascades.terms_of(get(NODE)).rests == ""
    batch = creation.create(NODE, Selection())
    run_lane(batch.pk, seconds=600)
    figures = cascades.figures_of(batch)
    assert progress_of(batch.pk).done == rows
    assert figures.rows > rows * 0.5  # the last ones go without it where it isn't worth it
    assert figures.kept > figures.rows * 0.3
    values = EnrichmentResult.objects.filter(cascade__way="cheap").values_list("value", flat=True)
    assert sum(is_bad(str(each)) for each in values) <= rows * 0.1  # what the target bears
    # A cheap answer and the judge's word on it are what a row costs on the cheap side.
    by_model = GenerationMetric.objects.filter(session_id=batch.pk).values_list(
        "model_used", flat=True
    )
    dear = list(by_model).count("gpt-4o")
    assert (figures.cheap_calls, figures.dear_calls) == (len(by_model) - dear, dear)
    assert list(by_model).count("judge-1") > figures.rows * 0.9


def test_few_verdicts_leave_kappa_wide_and_one_kind_leaves_it_unknown():
    assert kappa_of(40, 0, 0, 4) is None
    few, many = kappa_of(5, 5, 0, 0), kappa_of(50, 50, 0, 0)
    assert few.value == many.value == 1
    assert few.low < 0.7 < many.low < many.high < 1
    chance = kappa_of(25, 25, 25, 25)
    assert chance.value == 0
    assert chance.low < 0 < chance.high
    known = kappa_of(20, 15, 10, 5)  # 0.7 agree, 0.5 by chance
    assert known.value == pytest.approx(0.4)
    assert known.low == pytest.approx(0.15, abs=0.06)
    assert known.high == pytest.approx(0.62, abs=0.06)


@STORED
def test_judges_are_calibrated_and_asked_by_api_and_in_the_admin(bench, make_animals, admin_client):
    make_animals(20)
    operator, viewer = caller("operator"), caller("viewer")
    body = {"processing_type": NODE, "verdicts": 20}
    assert viewer.post("/api/llm/evaluations/judges", body, format="json").status_code == 403
    begun = operator.post("/api/llm/evaluations/judges", body, format="json")
    assert begun.status_code == 202, begun.content
    reviewed(20)
    judges.calibrate(begun.json()["id"])
    (shown,) = viewer.get("/api/llm/evaluations/judges").json()["results"]
    assert (shown["verdicts"], shown["pairs_right"]) == (20, 10)
    assert shown["said"].startswith("Kappa 1.00")
    page = admin_client.get(
        f"/admin/enrichment/judgecalibration/{shown['id']}/change/"
    ).content.decode()
    assert "Kappa 1.00" in page
    first, second = pair_of_runs()
    pair = {"first": str(first.pk), "second": str(second.pk)}
    asked = operator.post("/api/llm/evaluations/comparison", pair, format="json")
    assert asked.status_code == 202, asked.content
    assert asked.json()["judged"]["pairs"] == 0 < asked.json()["judged"]["of"]
    address = f"/admin/enrichment/evaluationrun/comparison/?first={first.pk}&second={second.pk}"
    assert "Ask the judge" in admin_client.get(address).content.decode()
    assert admin_client.post(address).status_code == 302
    judges.judge_runs(first, second)
    assert "Ask the judge" not in admin_client.get(address).content.decode()
    added = admin_client.post(
        "/admin/enrichment/judgecalibration/add/", {"enrichment": NODE, "verdicts": "50"}
    )
    assert added.status_code == 302
    assert JudgeCalibration.objects.filter(wanted=50, status="waiting").exists()


@STORED
def test_the_command_says_how_far_a_judge_agrees(bench, make_animals, capsys):
    make_animals(20)
    reviewed(20)
    call_command("llm_evaluate", "judge", NODE, "--verdicts", "20")
    said = capsys.readouterr().out
    assert "Kappa 1.00" in said
    assert "It may decide." in said
