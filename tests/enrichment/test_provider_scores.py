"""Scores of two calls over a provider's batches: a round of their own, killed at every step."""

import time
from contextlib import suppress
from typing import Any

import pytest

from enrichment.batches import lifecycle
from enrichment.batches.cascades import figures_of
from enrichment.batches.progress import progress_of
from enrichment.engine import submissions
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.judging import judge_of
from enrichment.models import (
    BatchChunk,
    CheapAnswer,
    EnrichmentResult,
    JudgeCalibration,
    ProviderBatchSubmission,
)
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, Provider, ProviderModel
from metrics.models import GenerationMetric
from tests.enrichment.provider_batches import AT_ONCE, until_completed
from tests.enrichment.test_cascades import NODE, ROWS, calls_by_model
from tests.enrichment.test_provider_cascades import (  # noqa: F401 - a fixture
    LEARNERS,
    begun,
    cascaded,
    check_whole,
)
from tests.enrichment.test_submissions import STEPS, Killed

pytestmark = pytest.mark.django_db(transaction=True)
CHEAP, DEAR, JUDGE = "gpt-4o-mini", "gpt-4o", "gpt-4.1-nano"


@pytest.fixture
def by_two_samples(cascaded: Any) -> None:  # noqa: F811 - a fixture
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_score="agreement")
    snapshot.expire()


@pytest.fixture
def by_judge(cascaded: Any) -> None:  # noqa: F811 - a fixture
    """A judge at the same provider, which may decide; what it says is chance."""
    row, _ = ProviderModel.objects.get_or_create(provider=cascaded, model_id=JUDGE)
    row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=1, output_per_1m=1)
    NodeConfiguration.objects.filter(node_name=NODE).update(
        cascade_score="judge", judge_rubric="No word twice.", judge_model=f"sim/{JUDGE}"
    )
    snapshot.expire()
    judge = judge_of(get(NODE))
    assert judge is not None
    JudgeCalibration.objects.create(
        enrichment=NODE, judge=judge.key, wanted=40, status="done", verdicts=40,
        kappa=0.9, kappa_low=0.8, kappa_high=1.0,
    )  # fmt: skip


def at_score_round(batch: Any) -> None:
    """Go on until cheap answers wait for their scores."""
    deadline = time.monotonic() + 60
    while not BatchChunk.objects.filter(batch=batch, stage="score").exists():
        assert time.monotonic() < deadline
        submissions.advance(settle=AT_ONCE)
        run_lane(batch.pk)


def test_a_second_sample_is_one_more_cheap_round(by_two_samples, simulator, make_animals):
    # Were no more than a tenth wrong, to keep all of them could look good enough.
    simulator.control(errs={CHEAP: {"share": 0.2, "telling": 3}})
    batch = begun(make_animals)
    until_completed(batch)
    figures = check_whole(batch, simulator)
    assert figures.kept > 0  # how many is a matter of chance: audits may end it
    by_model = calls_by_model()
    assert by_model == {CHEAP: 2 * ROWS, DEAR: ROWS - figures.kept}
    assert figures.cheap_calls == 2 * ROWS
    # What two samples said apart isn't kept.
    kept = EnrichmentResult.objects.filter(cascade__way="cheap")
    assert set(kept.values_list("cascade__score", flat=True)) == {1.0}
    others = EnrichmentResult.objects.filter(cascade__way="dear", cascade__score__lt=1)
    assert others.exists()
    first, second = (
        sum(len(each.rows) for each in ProviderBatchSubmission.objects.filter(asks_cheap=True)[at])
        for at in (slice(4), slice(4, None))
    )
    assert first == second == ROWS - LEARNERS


class DyingOnce:
    """A process that dies when it first comes to each step of each round."""

    def __init__(self) -> None:
        self.died = set[tuple[str, str]]()

    def __call__(self, done: str) -> None:
        at_work = ProviderBatchSubmission.objects.filter(chunk__stage="score")
        place = ("score" if at_work.exists() else "other", done)
        if place not in self.died:
            self.died.add(place)
            raise Killed


@pytest.mark.parametrize("score", ["by_two_samples", "by_judge"])
def test_deaths_at_each_step_of_each_round_ask_nothing_twice(
    cascaded,  # noqa: F811 - a fixture
    simulator,
    make_animals,
    request,
    score,
):
    request.getfixturevalue(score)
    batch, step = begun(make_animals), DyingOnce()
    deadline = time.monotonic() + 120
    while progress_of(batch.pk).status != "completed":
        assert time.monotonic() < deadline, progress_of(batch.pk)
        with suppress(Killed):
            submissions.advance(step=step, settle=AT_ONCE)
        run_lane(batch.pk)
    figures = check_whole(batch, simulator)
    assert {done for stage, done in step.died if stage == "score"} == set(STEPS)
    by_model = calls_by_model()
    assert by_model[DEAR] == ROWS - figures.kept
    second = by_model[CHEAP] - ROWS if score == "by_two_samples" else by_model[JUDGE]
    assert second == ROWS
    assert figures.cheap_calls == ROWS + second


def test_a_round_without_answers_leaves_its_rows_to_the_own_model_at_half_the_price(
    by_judge, simulator, make_animals
):
    batch = begun(make_animals)
    submissions.advance(settle=AT_ONCE)  # the cheap model has its rows now
    simulator.plan({"path": "/v1/files", "action": {"status": 403}, "times": 4})
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.status, at.done) == ("completed", ROWS)
    failed = ProviderBatchSubmission.objects.filter(state="failed")
    assert list(failed.values_list("model", flat=True)) == [JUDGE] * 4
    paid = simulator.stats()["paid"]
    assert paid == GenerationMetric.objects.count() == at.calls
    # Only the rows to learn from were asked live.
    at_half = GenerationMetric.objects.filter(attempts__contains=[{"batch_price": True}])
    live = GenerationMetric.objects.filter(model_used=DEAR).exclude(pk__in=at_half)
    assert 0 < live.count() <= LEARNERS


def test_a_batch_that_is_cancelled_between_answer_and_score_records_what_comes(
    by_two_samples, simulator, make_animals
):
    batch = begun(make_animals)
    at_score_round(batch)
    simulator.control(batch_ms=0)
    submissions.advance(settle=AT_ONCE)
    lifecycle.cancel(batch)
    deadline = time.monotonic() + 60
    while ProviderBatchSubmission.objects.filter(state__in=["intended", "submitted"]).exists():
        assert time.monotonic() < deadline
        submissions.advance(settle=AT_ONCE)
    submissions.advance(settle=AT_ONCE)
    assert (
        simulator.stats()["paid"] == GenerationMetric.objects.count() == progress_of(batch.pk).calls
    )
    assert not CheapAnswer.objects.exists()


def test_a_judge_whose_provider_has_no_batches_rests_and_says_what_to_do(by_judge, make_animals):
    other = Provider.objects.create(
        name="own", provider_type="custom", api_base_url="http://127.0.0.1:9/v1"
    )
    ProviderModel.objects.create(provider=other, model_id="judge-1")
    NodeConfiguration.objects.filter(node_name=NODE).update(judge_model="own/judge-1")
    snapshot.expire()
    judge = judge_of(get(NODE))
    assert judge is not None
    JudgeCalibration.objects.update(judge=judge.key)
    batch = begun(make_animals)
    submissions.advance(settle=AT_ONCE)
    assert "have a model of OpenAI's or Anthropic's judge" in figures_of(batch).said
