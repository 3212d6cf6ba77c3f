"""A batch's page in a real browser: it follows its batch by events, and lets it go on."""

import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.urls import reverse

from enrichment.admin.batch_page import expected_cost, kinds
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection, Terms
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, EnrichmentResult
from tests.browsing import PASSWORD, browse, in_a_browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grace() -> User:
    return User.objects.create_superuser("grace", password=PASSWORD)


def page_of(batch: Batch) -> str:
    return reverse("admin:enrichment_batch_change", args=[batch.pk])


def worked_on(batch_id: Any) -> None:
    """By a lane in a thread of its own."""

    def work() -> None:
        try:
            run_lane(batch_id)
        finally:
            connections.close_all()

    threading.Thread(target=work).start()


@in_a_browser
def test_the_page_follows_its_batch_to_the_end_without_being_asked(
    provider, simulator, make_animals, server, grace
):
    simulator.control(latency_ms=100)
    make_animals(150)
    simulator.plan({"text": "Dog 7 likes", "action": {"status": 400}})
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    told: list[str] = []
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        page.on("response", lambda answer: told.append(f"{answer.status} {answer.url}"))
        page.goto(server + page_of(batch))
        with page.expect_response(lambda answer: answer.url.endswith("/events")):
            pass
        seen["before"] = page.inner_text("#batch-progress")
        worked_on(batch.pk)
        page.wait_for_selector("#batch-progress :text('expected total')")
        page.wait_for_selector("#batch-progress :text('150 / 150')", timeout=200_000)
        page.wait_for_selector("button:has-text('Retry')")
        page.wait_for_selector("h2:has-text('Rows that failed')")
        seen["after"] = page.inner_text("#batch-progress")
        seen["followed"] = page.evaluate("document.querySelector('[data-events]') !== null")

    browse(server, visit)
    assert "pending" in seen["before"]
    assert "completed" in seen["after"]
    assert "http_400" in seen["after"]
    assert not seen["followed"]  # it has ended
    assert sum("/events" in each for each in told) == 1
    assert sum("/progress/" in each for each in told) >= 2
    assert all(each.startswith(("200", "304")) for each in told), told


@in_a_browser
def test_a_batch_whose_cap_is_spent_goes_on_under_the_one_that_a_person_enters(
    provider, simulator, make_animals, server, grace
):
    make_animals(60)
    batch = creation.create("description_cleaning", Selection(), terms=Terms(Decimal("0.0001")))
    run_lane(batch.pk)
    assert progress_of(batch.pk).status == "paused"
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        page.goto(server + page_of(batch))
        page.click("button:has-text('Resume')")
        page.wait_for_selector(":text('resume it with a higher one')")
        seen["refused"] = page.inner_text("#batch-progress")
        page.fill("[name=max_cost_usd]", "5")
        page.click("button:has-text('Resume')")
        page.wait_for_selector("button:has-text('Pause')")

    browse(server, visit)
    assert "Its cap of $0.0001 is spent" in seen["refused"]
    batch.refresh_from_db()
    assert (batch.status, batch.max_cost_usd) == ("pending", Decimal(5))
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 60


def test_the_offered_cap_is_one_that_the_form_takes_in_every_language(
    client, provider, make_animals, grace, settings
):
    settings.LANGUAGE_CODE = "de"
    make_animals(1)
    batch = creation.create("description_cleaning", Selection(), terms=Terms(Decimal("0.5")))
    lifecycle.pause(batch)
    client.force_login(grace)
    shown = client.get(page_of(batch)).content.decode()
    assert re.findall(r'name="max_cost_usd"\s+value="([^"]*)"', shown) == ["0.5"]


@pytest.mark.parametrize("cap", ["much", "-1", "NaN"])
def test_a_cap_that_is_none_is_refused_in_words(client, provider, make_animals, grace, cap):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection(), terms=Terms(Decimal(1)))
    lifecycle.pause(batch)
    client.force_login(grace)
    address = reverse("admin:enrichment_batch_control", args=[batch.pk, "resume"])
    answer = client.post(address, {"max_cost_usd": cap}, follow=True)
    assert "cap" in str(next(iter(answer.context["messages"]))).replace("max_cost_usd", "cap")
    batch.refresh_from_db()
    assert (batch.status, batch.max_cost_usd) == ("paused", Decimal(1))


def test_failures_are_counted_by_how_their_last_call_ended():
    reasons = [
        "dog_profiler: no answer. sim/a: http_500 (oops); sim/b: timeout",
        "dog_profiler: no answer. sim/b: timeout (30 s)",
        "A worker died three times while this row was in work; it is parked.",
    ]
    assert kinds(reasons) == [("timeout", 2), (reasons[2][:80], 1)]


def test_the_expected_cost_is_that_of_rows_like_those_that_are_done(
    provider, simulator, make_animals
):
    make_animals(40)
    batch = creation.create("description_cleaning", Selection())
    assert expected_cost(progress_of(batch.pk)) is None
    EnrichmentResult.objects.all().delete()
    batch.chunks.update(rows_done=30, cost_usd="0.3")
    Batch.objects.update(status="running")
    assert expected_cost(progress_of(batch.pk)) == Decimal("0.4")


def test_a_stranger_sees_no_progress(client, provider, make_animals):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    answer = client.get(reverse("admin:enrichment_batch_progress", args=[batch.pk]))
    assert answer.status_code == 302
