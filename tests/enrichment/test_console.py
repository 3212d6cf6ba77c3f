"""In the browser alone: from an empty installation to an enriched row of one's own; from a call to
what it cost, how good it was and who may see it.
"""

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Batch
from llmconfig.models import GatewayKey, LLMConfig, NodeConfiguration
from llmconfig.roles import ensure_roles
from metrics.models import GenerationHistory, SavedView
from tests.browsing import PASSWORD, browse, in_a_browser
from tests.metrics.test_admin import make_call

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
        page.dblclick("button:has-text('Start: 2 rows')")  # sends it once
        hand.clicks += 1
        page.wait_for_selector("#batch-progress :text('completed')", timeout=200_000)
        seen["clicks"] = hand.clicks

    browse(server, visit, start="/")
    worker.join()
    assert "Skipped lines" in seen["preview"]
    assert "answers." in seen["forecast"]
    assert seen["clicks"] <= MAX_CLICKS
    assert Animal.objects.count() == 2
    assert Batch.objects.get().rows_total == 2
    assert NodeConfiguration.objects.exists()
    assert LLMConfig.objects.get().enabled


SESSION = uuid.UUID(int=7)


def called() -> None:
    """Two calls of one session by the key "website", and another."""
    for cost in ("0.25", "1.5"):
        call = make_call(session_id=SESSION, account="website", cost_usd=cost, latency_ms=1200.0)
        GenerationHistory.objects.create(
            created_at=call.created_at, correlation_id=call.correlation_id, node_type="enricher",
            method_name=call.method_name, prompt_text="Describe Rex.", generated_code="A dog.",
        )  # fmt: skip
    make_call(method_name="translation", cost_usd="9")


@in_a_browser
def test_calls_are_found_by_keyboard_judged_summed_up_and_shown_by_role(server):
    ensure_roles()
    User.objects.create_superuser("grace", password=PASSWORD)
    called()
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        _find_and_judge(page, server, seen)
        _look_at_money(page, server, seen)
        _give_a_role(page, server, seen)

    browse(server, visit, seconds=60)
    assert seen["sums"].split()[:4] == ["2", "calls", "$1.75", "cost"]
    assert seen["timeline"] == 2
    assert seen["spent"] == seen["listed"] == "$1.75"
    assert "curl" in seen["key"]
    assert "Start a batch" not in seen["viewer"]
    assert "Describe Rex." not in seen["texts"]
    assert SavedView.objects.get().name == "dear"
    assert set(GenerationHistory.objects.values_list("user_accepted", "user_feedback")) == {
        (None, None), (True, "short and true"),
    }  # fmt: skip
    assert GatewayKey.objects.get().name == "website"
    assert User.objects.get(username="vera").groups.get().name == "viewer"


def _find_and_judge(page: Any, server: str, seen: dict[str, Any]) -> None:
    """By keyboard alone: a search, an order, a view that is kept, a call, a verdict."""
    page.goto(f"{server}/admin/metrics/generationmetric/")
    page.keyboard.press("/")
    page.keyboard.type("dog_")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=dog_*")
    seen["sums"] = page.inner_text("[aria-label='All filtered calls']")
    page.focus("#result_list thead a:has-text('Cost')")
    page.keyboard.press("Enter")
    page.wait_for_url("**o=*")
    page.focus("summary:has-text('Save this view')")
    page.keyboard.press("Enter")
    page.focus("[name=name]")
    page.keyboard.type("dear")
    page.keyboard.press("Enter")
    page.wait_for_selector(".nw-view:has-text('dear')")
    page.focus("#result_list tbody th a")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('Rate this answer')")
    page.focus("[name=thumb][value=up]")
    page.keyboard.press("Space")
    page.focus("[name=note]")
    page.keyboard.type("short and true")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=note][value='short and true']")
    page.focus(f"a:has-text('{SESSION}')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/session/**")
    seen["timeline"] = page.locator("tbody tr").count()


def _look_at_money(page: Any, server: str, seen: dict[str, Any]) -> None:
    """What a key cost, the calls behind it, and a key that is made."""
    page.goto(f"{server}/admin/metrics/generationmetric/spending/?by=key")
    line = page.locator("tr", has_text="website")
    seen["spent"] = line.locator("td").nth(1).inner_text().strip()
    line.locator("a").first.click()
    page.wait_for_url("**key=website*")
    seen["listed"] = page.locator(".nw-figure", has_text="cost").locator("b").inner_text()
    page.goto(f"{server}/admin/llmconfig/gatewaykey/add/")
    page.fill("[name=name]", "website")
    page.check("[name=allows_everything]", force=True)
    page.click("[name=_continue]")
    page.wait_for_url("**/change/**")
    seen["key"] = page.content()


def _give_a_role(page: Any, server: str, seen: dict[str, Any]) -> None:
    """A viewer is made; what she sees has no buttons and no texts."""
    page.goto(f"{server}/admin/auth/user/add/")
    page.fill("[name=username]", "vera")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    page.click("[name=_save]")
    page.wait_for_selector("[name=is_staff]")
    page.check("[name=is_staff]", force=True)
    page.select_option("#id_groups_from, [name=groups]", label="viewer")
    if page.locator("#id_groups_add_link, .selector-add").count():
        page.locator("#id_groups_add_link, .selector-add").first.click()
    page.click("[name=_save]")
    page.wait_for_selector(":text('was changed successfully')")
    page.context.clear_cookies()
    page.goto(f"{server}/admin/")
    page.fill("[name=username]", "vera")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#nav-sidebar-apps")
    seen["viewer"] = page.inner_text("body")
    page.goto(f"{server}/admin/metrics/generationhistory/")
    page.click("#result_list tbody th a")
    page.wait_for_selector(":text('may not read prompts')")
    seen["texts"] = page.inner_text("body")
