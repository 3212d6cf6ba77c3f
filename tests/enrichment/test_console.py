"""From an empty installation to an enriched row of one's own, in the browser alone."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Batch
from llmconfig.models import LLMConfig, NodeConfiguration
from tests.browsing import PASSWORD, browse, in_a_browser

pytestmark = pytest.mark.django_db(transaction=True)

MAX_CLICKS = 15  # docs/admin.md counts them
OWN_FILE = """No.;Dog;Story;Wholesome
7;Rex;"Rex is a calm dog, he loves long walks  and people.";yes
8;Bella;Bella likes children and sleeps on the sofa all day.;no
;Nobody;A line without a number.;no
"""


class Hand:
    """Clicks and counts."""

    def __init__(self, page: Any) -> None:
        self.page, self.clicks = page, 1  # signing in

    def click(self, what: str) -> None:
        self.page.click(what)
        self.clicks += 1

    def choose(self, name: str, value: str, *, nth: int = 0) -> None:
        """Open a list and take a line."""
        self.page.locator(f"select[name={name}]").nth(nth).select_option(value)
        self.clicks += 1


def at_work(seconds: float = 200) -> threading.Thread:
    """A worker in a thread of its own: it takes the first batch that comes."""

    def work() -> None:
        try:
            for _ in range(int(seconds * 10)):
                batch = Batch.objects.filter(rows_total__gt=0).first()
                if batch is not None:
                    run_lane(batch.pk)
                    return
                ended.wait(0.1)
        finally:
            connections.close_all()

    ended = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@in_a_browser
def test_an_empty_installation_leads_to_an_enriched_row_of_ones_own(
    simulator, server, tmp_path: Path
):
    User.objects.create_superuser("grace", password=PASSWORD)
    file = tmp_path / "dogs.csv"
    file.write_text(OWN_FILE)
    worker = at_work()
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        hand = Hand(page)
        page.wait_for_selector("h2:has-text('First steps')")
        hand.choose("provider", "local")
        page.fill("[name=key]", simulator.controls.get("api_key") or "a-key")
        page.fill("[name=address]", f"{simulator.url}/v1")
        hand.click("button:has-text('Connect')")
        page.wait_for_selector(":text('is connected: it lists')")
        hand.click("button:has-text('Use it')")
        hand.click("button:has-text('Add the nodes')")
        hand.click("button:has-text('Enable calls')")
        hand.click(".nw-steps a:has-text('Import a file')")
        page.set_input_files("[name=file]", file)
        hand.clicks += 2  # the button and the file in its dialog
        page.fill("[name=organization]", "My rescue")
        page.wait_for_selector(":text(\"column 'id' is missing\")")
        for number, field in enumerate(("id", "name", "description")):
            hand.choose("field", field, nth=number)
            page.wait_for_function(
                "([nth, field]) => document.querySelectorAll('select[name=field]')[nth]"
                "?.querySelector('option[selected]')?.value === field",
                arg=[number, field],
            )
        page.wait_for_selector("button:has-text('Import 2 listings')")
        seen["preview"] = page.inner_text("#import-preview")
        hand.click("button:has-text('Import 2 listings')")
        page.wait_for_selector("h2:has-text('Imported')")
        hand.click("#import-preview a:has-text('Start a batch')")
        page.wait_for_selector("button:has-text('Start: 2 rows')")
        seen["forecast"] = page.inner_text("#batch-forecast")
        hand.click("button:has-text('Start: 2 rows')")
        page.wait_for_selector("#batch-progress :text('completed')", timeout=200_000)
        seen["clicks"] = hand.clicks

    browse(server, visit, start="/")
    worker.join()
    assert "Lines left out" in seen["preview"]
    assert "answers." in seen["forecast"]
    assert seen["clicks"] <= MAX_CLICKS
    assert Animal.objects.count() == 2
    assert Batch.objects.get().rows_total == 2
    assert NodeConfiguration.objects.exists()
    assert LLMConfig.objects.get().enabled
