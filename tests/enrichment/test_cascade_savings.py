"""What cascades saved: the same as batches' pages say, and of single calls what records say."""

import datetime as dt
import json
import random
import uuid
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Avg, Sum
from django.utils import timezone

from enrichment.batches import creation
from enrichment.batches.cascades import figures_of
from enrichment.batches.creation import Selection
from enrichment.cascade_savings import by_node
from enrichment.cascades.savings import CallCosts, saving_of
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, BatchCascade, CallCascade, EnrichmentResult
from llmconfig.client.pipeline.cascades import BESIDE
from llmconfig.configuration import snapshot
from llmconfig.configuration.known_costs import money
from llmconfig.models import NodeConfiguration
from metrics.models import GenerationMetric
from tests.api import caller
from tests.enrichment.model_prices import price_cheap_and_dear

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
ROWS = 120
DAY = dt.timedelta(days=1)


@pytest.fixture
def batch(cascaded: Any, make_animals: Any) -> Batch:
    """One that is done, of models that have a price."""
    price_cheap_and_dear()
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_target=0.7)
    snapshot.expire()
    make_animals(ROWS)
    made = creation.create(NODE, Selection())
    run_lane(made.pk, seconds=600)
    return made


def told() -> dict[str, Any]:
    """The API's line of the cascade."""
    answer = caller("viewer").get("/api/v1/llm/metrics/savings")
    assert answer.status_code == 200, answer.content
    line: dict[str, Any]
    (line,) = [each for each in answer.json()["results"] if each["way"] == "cascade"]
    return line


def test_the_savings_say_what_the_batchs_page_says(batch, admin_client):
    figures = figures_of(batch)
    costs = GenerationMetric.objects.filter(session_id=batch.pk)
    dear = costs.filter(model_used="gpt-4o").aggregate(mean=Avg("cost_usd"))["mean"]
    cheap = costs.filter(model_used="gpt-4o-mini").aggregate(sum=Sum("cost_usd"))["sum"]
    by_hand = dear * figures.kept - cheap
    line = told()
    assert figures.kept > 10
    assert (line["node"], line["number"], line["unpriced"]) == (NODE, figures.kept, 0)
    assert float(line["saved_usd"]) == pytest.approx(float(by_hand))
    shown = caller("operator").get(f"/api/llm/batches/{batch.pk}").json()["cascade"]
    for of_savings, of_batch in (
        ("saved_usd", "saved_usd"), ("low_usd", "saved_low_usd"), ("high_usd", "saved_high_usd")
    ):  # fmt: skip
        assert line[of_savings] == shown[of_batch]
    assert Decimal(line["low_usd"]) < by_hand < Decimal(line["high_usd"])
    page = admin_client.get(f"/admin/enrichment/batch/{batch.pk}/change/").text
    card = admin_client.get("/admin/?days=7").text.partition("Cascade savings")[2]
    assert money(figures.saving.usd) in page
    assert money(figures.saving.usd) in card
    assert f"/admin/enrichment/batch/{batch.pk}/change/" in card
    out = StringIO()
    call_command("llm_costs", "--savings", "--json", stdout=out)
    assert json.loads(out.getvalue())[-1]["saved_usd"] == line["saved_usd"]
    call_command("llm_costs", "--savings", stdout=out)
    assert NODE in out.getvalue().splitlines()[-1]


def test_of_a_batch_that_began_before_the_time_the_rows_of_the_time_count(batch):
    figures, now = figures_of(batch), timezone.now()
    BatchCascade.objects.update(created_at=now - 9 * DAY)
    earlier = list(EnrichmentResult.objects.order_by("id").values_list("id", flat=True)[:40])
    EnrichmentResult.objects.filter(id__in=earlier).update(created_at=now - 8 * DAY)
    parts = [
        by_node(since=now - 10 * DAY, until=now - 5 * DAY),
        by_node(since=now - 5 * DAY, until=now + DAY),
    ]
    first, second = (each[0].total for each in parts)
    assert first.kept + second.kept == figures.kept
    assert (
        second.kept
        == EnrichmentResult.objects.filter(cascade__way="cheap", created_at__gt=now - DAY).count()
    )
    assert first.usd + second.usd == pytest.approx(figures.saving.usd)
    assert first.usd < second.usd / 2  # it learned first
    assert by_node(since=now - 5 * DAY, until=now - DAY) == []


def test_single_calls_are_counted_by_what_their_records_say(db):
    CallCascade.objects.create(node="tagging", terms="", state={})

    def called(way: str, cost: str | None, *, beside: bool = False, **fields: Any) -> None:
        metadata = {"cascade": way, **({BESIDE: "tagging"} if beside else {})}
        usd = None if cost is None else Decimal(cost)
        stored(**{"node": "tagging", "cost_usd": usd, "metadata": metadata, **fields})

    for _ in range(3):
        called("kept", "0.01")
        called("kept", "0.02", beside=True, node="judge")
    called("own", "0.30")
    called("own", "0.01", beside=True)  # asked in vain
    called("audited", "0.50")
    called("audited", "0.01", beside=True)
    called("rests", "9")
    called("kept", "9", node="other")  # a caller's own words
    called("kept", "9", created_at=timezone.now() - 20 * DAY)
    line = told()
    # Three kept answers at 0.40 each, less 3 x 0.03 and twice 0.01.
    assert (line["node"], line["number"]) == ("tagging", 3)
    assert float(line["saved_usd"]) == pytest.approx(3 * 0.4 - 0.11)
    called("kept", None)
    line = told()
    assert (line["number"], line["unpriced"], line["saved_usd"]) == (4, 4, None)


def stored(*, node: str, cost_usd: Decimal | None, metadata: dict[str, str], **fields: Any) -> None:
    GenerationMetric.objects.create(
        correlation_id=uuid.uuid4(), method_name=node, model_used="m",
        cost_usd=cost_usd, metadata=metadata, **fields,
    )  # fmt: skip


def test_the_range_holds_in_eight_of_ten_cases():
    chance, held = random.Random(7), 0
    for _ in range(400):
        own, kept = ([chance.lognormvariate(0, 0.5) for _ in range(number)] for number in (60, 90))
        costs = CallCosts(len(own), Decimal(sum(own)), sum(each**2 for each in own))
        saving = saving_of(kept=len(kept), cheap_usd=Decimal(0), own=costs)
        held += saving.low_usd <= Decimal(sum(kept)) <= saving.high_usd
    assert 0.74 < held / 400 < 0.86


def test_without_a_price_or_a_call_to_go_by_nothing_is_claimed():
    for own in (CallCosts(0, Decimal(0)), CallCosts(5, None)):
        found = saving_of(kept=3, cheap_usd=Decimal(1), own=own)
        assert (found.usd, found.low_usd, found.unknown) == (None, None, 3)
    of_before = saving_of(kept=3, cheap_usd=Decimal(1), own=CallCosts(2, Decimal(4)))
    assert (of_before.usd, of_before.low_usd) == (Decimal(5), None)
