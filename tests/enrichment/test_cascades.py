"""A cheaper model first: real lanes against a provider whose cheap model errs as told."""

import threading
from statistics import fmean
from typing import Any

import pytest
from django.db import connections
from django.db.models import Count

from enrichment.batches import creation, lifecycle
from enrichment.batches.cascades import figures_of
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.batches.staleness import ALL_REASONS, stale_rows
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.enrichments.likeness import alikeness
from enrichment.forecast import forecast
from enrichment.lane_queue import start_lanes
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import Experiment, ExperimentArm, NodeConfiguration
from metrics.models import GenerationMetric
from tests.enrichment.model_prices import price_cheap_and_dear
from tests.enrichment.test_killed_workers import _until, worker

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
ROWS = 300
MAY_DIFFER = ROWS // 10
USELESS = {"gpt-4o-mini": {"share": 0.5, "telling": 0}}


def differing() -> int:
    """Rows that say something else than the dear model, which answers with their own words."""
    values = EnrichmentResult.objects.filter(state="applied").values_list("value", flat=True)
    return sum(value.split(" ")[0] == value.split(" ")[1] for value in values)


def mean_score(results: Any) -> float:
    return fmean(row.cascade["score"] for row in results)


def calls_by_model() -> dict[str, int]:
    found = GenerationMetric.objects.values("model_used").annotate(calls=Count("id"))
    return {each["model_used"]: each["calls"] for each in found}


def test_a_telling_score_keeps_the_target_and_saves_dear_calls(cascaded, simulator, make_animals):
    make_animals(ROWS)
    batch = creation.create(NODE, Selection())
    run_lane(batch.pk, seconds=600)
    at, figures = progress_of(batch.pk), figures_of(batch)
    assert (at.status, at.done) == ("completed", ROWS)
    assert figures.rows == ROWS
    assert figures.kept > ROWS * 0.25
    assert differing() <= MAY_DIFFER
    assert figures.caught < figures.differ_at_most <= ROWS
    by_model = calls_by_model()
    assert by_model == {"gpt-4o-mini": ROWS, "gpt-4o": ROWS - figures.kept}
    assert simulator.stats()["paid"] == sum(by_model.values()) == at.calls
    kept = EnrichmentResult.objects.filter(cascade__way="cheap")
    assert kept.count() == figures.kept
    assert set(kept.values_list("model_used", flat=True)) == {"gpt-4o-mini"}
    others = EnrichmentResult.objects.exclude(cascade__way="cheap")
    assert mean_score(kept) > mean_score(others)
    assert not stale_rows(get(NODE), reasons=ALL_REASONS).exists()
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_model="")
    snapshot.expire()
    assert stale_rows(get(NODE), reasons=ALL_REASONS).count() == figures.kept


def test_with_useless_scores_the_dear_model_answers_nearly_all(cascaded, simulator, make_animals):
    simulator.control(errs=USELESS)
    make_animals(ROWS)
    batch = creation.create(NODE, Selection())
    run_lane(batch.pk, seconds=600)
    figures = figures_of(batch)
    assert progress_of(batch.pk).done == ROWS
    assert figures.phase in {"not_worth_it", "stopped"}
    assert "The node's own model answers the rest" in figures.said
    assert differing() <= 1.5 * MAY_DIFFER  # the target itself may be missed once in 20 batches
    assert calls_by_model()["gpt-4o"] == ROWS - figures.kept >= ROWS * 0.7


def test_a_model_that_gets_worse_midway_ends_what_was_kept(cascaded, simulator, make_animals):
    simulator.control(errs={"gpt-4o-mini": {"share": 0.01, "telling": 0}}, latency_ms=20)
    make_animals(ROWS * 2)
    batch = creation.create(NODE, Selection())
    lane = threading.Thread(target=in_a_lane, args=(batch.pk,))
    lane.start()
    while figures_of(batch) is None or figures_of(batch).kept < ROWS / 4:
        assert lane.is_alive()
    simulator.control(errs={"gpt-4o-mini": {"share": 0.9, "telling": 0}})
    lane.join()
    figures = figures_of(batch)
    assert progress_of(batch.pk).done == ROWS * 2
    assert figures.phase != "keeping" or figures.learned_anew
    assert differing() <= 3 * MAY_DIFFER  # half as much again as the target bears
    assert simulator.stats()["paid"] == sum(calls_by_model().values())


def in_a_lane(batch_id: Any) -> None:
    try:
        run_lane(batch_id, seconds=600)
    finally:
        connections.close_all()


def test_a_pause_between_both_models_leaves_no_paid_call_unrecorded(
    cascaded, simulator, make_animals
):
    simulator.plan({"model": "gpt-4o", "action": {"delay_ms": 400}})
    make_animals(ROWS)
    batch = creation.create(NODE, Selection())
    lane = threading.Thread(target=in_a_lane, args=(batch.pk,))
    lane.start()
    while simulator.stats()["paid"] < 60:
        assert lane.is_alive()
    lifecycle.pause(batch)
    lane.join()
    stats = simulator.stats()
    assert stats["paid"] - stats["paid_lost"] == sum(calls_by_model().values())
    simulator.plan()
    lifecycle.resume(batch)
    run_lane(batch.pk, seconds=600)
    assert progress_of(batch.pk).done == ROWS
    assert EnrichmentResult.objects.count() == ROWS


def test_a_killed_worker_pays_no_cheap_answer_twice(cascaded, simulator, make_animals):
    simulator.plan({"model": "gpt-4o", "action": {"delay_ms": 300}})
    make_animals(60)
    batch = creation.create(NODE, Selection())
    with worker() as process:
        start_lanes(batch)
        _until(lambda at: at.done >= 5, batch)
        process.kill()
    simulator.plan()
    while progress_of(batch.pk).done < 60:
        run_lane(batch.pk, seconds=600)
    at = progress_of(batch.pk)
    paid = simulator.stats()["by_model"]
    assert paid["gpt-4o-mini"] <= 60 + 20  # its own window of calls at most
    assert simulator.stats()["paid"] <= sum(calls_by_model().values()) + at.calls_repaid


def test_texts_that_several_rows_share_go_to_the_dear_model(cascaded, simulator, make_animals):
    make_animals(5, name="Rex", description="Rex likes to run and play ball with everybody.")
    make_animals(3)
    batch = creation.create(NODE, Selection())
    run_lane(batch.pk, seconds=600)
    shared = EnrichmentResult.objects.filter(cascade__isnull=True)
    assert set(shared.values_list("model_used", flat=True)) == {"gpt-4o"}
    assert shared.count() == 5
    assert calls_by_model()["gpt-4o-mini"] == 3


def test_it_rests_and_says_why_beside_an_experiment(cascaded, make_animals):
    make_animals(3)
    node = NodeConfiguration.objects.get(node_name=NODE)
    running = Experiment.objects.create(name="e", node=node, status="running")
    ExperimentArm.objects.create(experiment=running, name="a", weight=1)
    snapshot.expire()
    batch = creation.create(NODE, Selection(limit=1))
    run_lane(batch.pk)
    assert figures_of(batch).said == (
        "The node's own model answers all. An experiment runs at the node."
    )
    assert calls_by_model() == {"gpt-4o": 1}
    assert forecast(NODE, Selection()).cascade.cost_usd is None


def test_the_forecast_tells_the_cost_with_and_without(cascaded, make_animals):
    Animal.objects.all().delete()
    make_animals(20)
    price_cheap_and_dear()
    snapshot.expire()
    found = forecast(NODE, Selection())
    assert 0.2 * found.cost_usd.p50 < found.cascade.cost_usd.p50 < 1.1 * found.cost_usd.p50
    assert "No batch has shown" in found.cascade.basis


def test_two_values_agree_but_for_case_spacing_and_order():
    assert alikeness("A  dog\n", "a dog") == 1
    assert alikeness(["b", "a"], ["a", "B"]) == 1
    assert alikeness(["a", "b"], ["a", "c"]) == pytest.approx(1 / 3)
    assert alikeness({"size": "big", "age": 3}, {"size": "big", "age": 4}) == 0.5
    assert alikeness({"size": "big"}, {"size": "big", "age": 4}) == 0.5
    tagging = get("tagging")
    mine = [{"tag": "calm", "confidence": 0.9, "evidence": "calm"}]
    its = [{"tag": "calm", "confidence": 0.6, "evidence": "so calm"}]
    assert tagging.similarity(mine, its) == 1
