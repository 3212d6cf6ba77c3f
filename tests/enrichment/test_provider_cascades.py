"""A cascade over a provider's batches: two rounds, killed between them, and what fails in them."""

import time
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db.models import Sum

from enrichment.admin.batch_cascade import cascade_section
from enrichment.batches import creation, lifecycle
from enrichment.batches.cascades import figures_of
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.batches.staleness import ALL_REASONS, stale_rows
from enrichment.batches.undo import undo
from enrichment.engine import submissions
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.listings.models import Animal
from enrichment.models import BatchCascade, CheapAnswer, EnrichmentResult, ProviderBatchSubmission
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, ProviderModel
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric
from tests.enrichment.provider_batches import AT_ONCE, AT_PROVIDER, until, until_completed
from tests.enrichment.test_cascades import MAY_DIFFER, NODE, ROWS, calls_by_model, differing
from tests.enrichment.test_submissions import Killed

pytestmark = pytest.mark.django_db(transaction=True)
SHARP = {"gpt-4o-mini": {"share": 0.04, "telling": 2.5}}
LEARNERS = 38  # 30 labels, and a quarter more rows


@pytest.fixture
def cascaded(make_provider: Any, simulator: Any) -> Any:
    """`description_cleaning` asks gpt-4o-mini first, and goes by how likely its tokens were."""
    made = make_provider("sim", "openai")
    for model in ("gpt-4o-mini", "gpt-4o"):
        row, _ = ProviderModel.objects.update_or_create(
            provider=made, model_id=model, defaults={"supports_logprobs": True}
        )
        row.prices.all().delete()
        price = 1 if model == "gpt-4o-mini" else 10
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=price, output_per_1m=price)
    NodeConfiguration.objects.create(
        node_name=NODE, interaction_type="enricher", default_model="sim/gpt-4o",
        cascade_model="sim/gpt-4o-mini", cascade_score="logprobs", cascade_target=0.9,
    )  # fmt: skip
    LLMConfig.objects.filter(pk=1).update(retry_delay=0, concurrent_tasks=1)  # four chunks
    snapshot.expire()
    simulator.control(left_out=0, marked=False, errs=SHARP, batch_ms=50)
    return made


def begun(make_animals: Any, rows: int = ROWS) -> Any:
    make_animals(rows)
    return creation.create(NODE, Selection(), terms=AT_PROVIDER)


def check_whole(batch: Any, simulator: Any) -> Any:
    """Each row has one result, each paid call one record, and the sums agree; gives the figures."""
    at, figures = progress_of(batch.pk), figures_of(batch)
    assert (at.status, at.done, at.failed) == ("completed", ROWS, 0)
    assert EnrichmentResult.objects.count() == ROWS
    by_model = calls_by_model()
    paid = simulator.stats()["paid"]
    assert paid == sum(by_model.values()) == at.calls == figures.cheap_calls + figures.dear_calls
    assert differing() <= MAY_DIFFER
    spent = GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"]
    assert at.cost_usd == spent == figures.cheap_usd + figures.dear_usd
    assert EnrichmentResult.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"] == spent
    kept = EnrichmentResult.objects.filter(cascade__way="cheap")
    assert kept.count() == figures.kept
    assert set(kept.values_list("model_used", flat=True)) <= {"gpt-4o-mini"}
    return figures


def test_two_rounds_keep_the_target_and_save_dear_calls(cascaded, simulator, make_animals):
    batch = begun(make_animals)
    until_completed(batch)
    figures = check_whole(batch, simulator)
    assert figures.rows == ROWS
    assert figures.kept > ROWS * 0.25
    assert figures.audited > 0
    assert calls_by_model() == {"gpt-4o-mini": ROWS, "gpt-4o": ROWS - figures.kept}
    first = ProviderBatchSubmission.objects.filter(asks_cheap=True)
    assert set(first.values_list("model", flat=True)) == {"gpt-4o-mini"}
    assert sum(len(each.rows) for each in first) == ROWS - LEARNERS
    assert not stale_rows(get(NODE), reasons=ALL_REASONS).exists()
    submissions.advance()
    assert not CheapAnswer.objects.exists()
    assert ("calls of the cheaper model", str(ROWS)) in cascade_section(figures_of(batch))[
        "figures"
    ]


class DyingOften:
    """A process that looks after submissions and dies at a third of its steps."""

    def __init__(self) -> None:
        self.chance, self.deaths = Random(16), 0

    def __call__(self, done: str) -> None:
        if self.chance.random() < 1 / 3:
            self.deaths += 1
            raise Killed


def test_deaths_in_both_rounds_apply_and_pay_each_result_once(cascaded, simulator, make_animals):
    batch, step = begun(make_animals), DyingOften()
    deadline = time.monotonic() + 120
    while progress_of(batch.pk).status != "completed":
        assert time.monotonic() < deadline, progress_of(batch.pk)
        with suppress(Killed):
            submissions.advance(step=step, settle=AT_ONCE)
        run_lane(batch.pk)
    check_whole(batch, simulator)
    assert step.deaths > 5
    assert figures_of(batch).kept > ROWS * 0.25


def test_what_a_provider_leaves_open_in_either_round_goes_on(cascaded, simulator, make_animals):
    simulator.control(batch_expire_at=0.7)
    batch = begun(make_animals)
    until_completed(batch)
    figures = check_whole(batch, simulator)
    assert figures.kept > 0
    assert EnrichmentResult.objects.filter(cascade__way="audit", cascade__agrees=True).exists()


def test_a_cascade_that_learns_anew_gets_its_labels_from_the_second_round(
    cascaded, simulator, make_animals
):
    batch = begun(make_animals)
    while not CheapAnswer.objects.exists():
        submissions.advance(settle=AT_ONCE)
        run_lane(batch.pk)
    row = BatchCascade.objects.get(pk=batch.pk)
    settled, kept = row.state["settled"], row.state["kept"]
    row.state |= {"phase": "learning", "epoch": 1, "learning": 10_000}
    row.save()
    until_completed(batch)
    figures = figures_of(batch)
    assert (figures.kept, figures.phase) == (kept, "learning")
    assert figures.rows == ROWS > settled


def test_a_pause_between_the_rounds_keeps_what_was_paid(cascaded, simulator, make_animals):
    batch = begun(make_animals)
    submissions.advance(settle=AT_ONCE)
    run_lane(batch.pk, seconds=600)
    while CheapAnswer.objects.count() < ROWS / 2:
        submissions.advance(settle=AT_ONCE)
    lifecycle.pause(batch)
    until_recorded = ProviderBatchSubmission.objects.filter(state="submitted")
    while until_recorded.exists():
        submissions.advance(settle=AT_ONCE)
    at = progress_of(batch.pk)
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == at.calls
    lifecycle.resume(batch)
    until_completed(batch)
    check_whole(batch, simulator)


def test_rows_that_change_between_the_rounds_are_asked_again(cascaded, simulator, make_animals):
    batch = begun(make_animals)
    while not CheapAnswer.objects.filter(way="cheap").exists():
        submissions.advance(settle=AT_ONCE)
        run_lane(batch.pk)
    row = CheapAnswer.objects.filter(way="cheap").first().row_id
    Animal.objects.filter(pk=row).update(description="Now she is calm and plays ball.")
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS
    result = EnrichmentResult.objects.get(row_id=row)
    assert (result.model_used, result.cascade) == ("gpt-4o", None)
    assert not stale_rows(get(NODE), reasons=ALL_REASONS).exists()
    assert simulator.stats()["paid"] == sum(calls_by_model().values())


def test_a_cancelled_batch_leaves_nothing_that_waits(cascaded, simulator, make_animals):
    batch = begun(make_animals)
    while not CheapAnswer.objects.exists():
        submissions.advance(settle=AT_ONCE)
        run_lane(batch.pk)
    lifecycle.cancel(batch)
    submissions.advance(settle=AT_ONCE)
    assert not CheapAnswer.objects.exists()
    undo(batch)
    assert not EnrichmentResult.objects.filter(state="applied").exists()
    assert not Animal.objects.exclude(enriched_description=None).exists()


def test_a_cap_holds_both_rounds(cascaded, simulator, make_animals):
    make_animals(ROWS)
    cap = Decimal("0.09")  # beyond what is asked live
    batch = creation.create(NODE, Selection(), terms=replace(AT_PROVIDER, max_cost_usd=cap))
    until(batch, "paused")
    at = progress_of(batch.pk)
    assert 0 < at.cost_usd <= cap
    lifecycle.resume(batch, max_cost_usd=Decimal(50))
    until_completed(batch)
    check_whole(batch, simulator)
    assert calls_by_model()["gpt-4o-mini"] == ROWS


def test_few_rows_rest_and_say_why(cascaded, make_animals):
    few = begun(make_animals, rows=3)
    until_completed(few)
    assert "fewer than 300 rows" in figures_of(few).said
    assert calls_by_model() == {"gpt-4o": 3}
