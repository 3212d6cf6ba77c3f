"""Accessibility: axe over all pages of the admin, in light and dark; the keyboard's way in."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, reverse

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch
from llmconfig.configuration import snapshot
from llmconfig.models import GlobalConfig, InteractionType
from tests.browsing import PASSWORD, browse, in_a_browser

pytestmark = [pytest.mark.django_db(transaction=True), in_a_browser]

OURS = (
    "llm_settings", "llm_playground", "llm_health", "enrichment_review", "enrichment_workbench",
    "listings_import",
    "metrics_spending",
)  # fmt: skip
GRAVE = frozenset({"critical", "serious"})
# Its rows are named by their keys, which no address may hold.
WITHOUT_PAGES = frozenset({"tokenproxy"})
RUN = "axe.run({resultTypes: ['violations'], runOnly: %s})"
ALL_RULES = json.dumps(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
# What changes with the colours.
DARK_RULES = json.dumps({"type": "rule", "values": ["color-contrast", "link-in-text-block"]})

DESK, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 800}
CELLS = "all => all.map(each => ({text: each.innerText, width: each.clientWidth}))"


def axe() -> str:
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text()


def addresses(client: Client) -> list[str]:
    """Every list, its page to add, and one of its rows' pages; and our own pages."""
    found = ["/admin/login/", *(reverse(f"admin:{name}") for name in ("index", *OURS))]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        if model._meta.model_name not in WITHOUT_PAGES:
            found += [reverse(f"{name}_add"), _row_page(model, f"{name}_change")]
    return [each for each in found if each and client.get(each).status_code == 200]


def _row_page(model: type[Model], name: str) -> str:
    row = model._default_manager.first()
    try:
        return reverse(name, args=[row.pk]) if row is not None else ""
    except NoReverseMatch:
        return ""


@pytest.fixture
def filled(provider, simulator, make_animals, client):
    """An installation with rows of most kinds, and a person who may see them all."""
    grace = User.objects.create_superuser("grace", password=PASSWORD)
    for interaction in InteractionType:
        GlobalConfig.objects.create(interaction_type=interaction, model="sim/gpt-4o-mini")
    make_animals(8)
    simulator.plan({"text": "Dog 3 likes", "action": {"status": 400}})
    run_lane(creation.create("description_cleaning", Selection(), user=grace).pk)
    client.force_login(grace)
    return client


def violations(server: str, pages: list[str], *, seconds: float) -> dict[str, set[str]]:
    """What axe finds grave, and what is wider than its screen, with the pages where it is so."""
    found: dict[str, set[str]] = {}

    def look(page: Any, rules: str, theme: str, address: str) -> None:
        for each in page.evaluate(RUN % rules)["violations"]:
            for node in each["nodes"] if each["impact"] in GRAVE else ():
                key = f"{each['id']} in {theme}: {node['html'][:160]}"
                found.setdefault(key, set()).add(address)

    def visit(page: Any) -> None:
        source = axe()
        for address in pages:
            page.goto(server + address)
            page.evaluate(source)
            look(page, ALL_RULES, "light", address)
            page.evaluate("document.documentElement.classList.add('dark')")
            look(page, DARK_RULES, "dark", address)
            if page.evaluate("document.documentElement.scrollWidth") > DESK["width"]:
                found.setdefault("wider than a desk", set()).add(address)
            page.set_viewport_size(PHONE)
            if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                found.setdefault("wider than a phone", set()).add(address)
            page.set_viewport_size(DESK)

    browse(server, visit, seconds=seconds)
    return found


@pytest.mark.timeout(200)
def test_our_own_pages_have_no_grave_violation_in_light_or_dark_and_fit_a_phone(filled, server):
    pages = [reverse(f"admin:{name}") for name in ("index", *OURS)]
    batch = Batch.objects.get()
    pages += [
        reverse("admin:enrichment_batch_add"),
        reverse("admin:enrichment_batch_change", args=[batch.pk]),
        reverse("admin:metrics_generationmetric_changelist"),
        reverse("admin:auth_user_change", args=[User.objects.get().pk]),
    ]
    assert violations(server, pages, seconds=180) == {}


def test_a_phone_tells_what_is_wrong_with_the_configuration_in_whole_words(filled, server):
    GlobalConfig.objects.update(model="nobody/lists-a-model-of-this-name")
    snapshot.expire()
    seen: list[dict[str, Any]] = []

    def visit(page: Any) -> None:
        page.set_viewport_size(PHONE)
        page.goto(server + reverse("admin:llm_health"))
        seen.extend(page.eval_on_selector_all("td", CELLS))

    browse(server, visit)
    assert any("lists-a-model" in each["text"] for each in seen)
    assert [each for each in seen if each["width"] < 200] == []


@pytest.mark.walks
@pytest.mark.timeout(900)
def test_no_page_has_a_grave_violation_in_light_or_dark_and_all_fit_a_phone(filled, server):
    pages = addresses(filled)
    assert len(pages) > 60
    assert violations(server, pages, seconds=880) == {}


def test_the_keyboard_reaches_the_content_the_menus_and_the_first_error(server):
    User.objects.create_superuser("grace", password=PASSWORD)
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        page.goto(f"{server}/admin/llmconfig/budget/")
        page.keyboard.press("Tab")
        seen["first"] = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        seen["after"] = page.evaluate("document.activeElement.id")
        page.goto(f"{server}/admin/llmconfig/budget/add/")
        page.fill("[name=hard_limit_usd]", "-1")
        with page.expect_navigation():
            page.click("[name=_save]")
        page.wait_for_selector("[aria-invalid=true]:focus")
        seen["focus"] = page.evaluate("document.activeElement.getAttribute('aria-invalid')")
        fold = page.locator(".nw-fold", has_text="Batches")
        before = fold.get_attribute("aria-expanded")
        fold.focus()
        page.keyboard.press("Enter")
        seen["folded"] = (before, fold.get_attribute("aria-expanded"))
        page.keyboard.press("Control+k")
        page.wait_for_selector("#search-input-command:visible")
        page.keyboard.type("health")
        page.wait_for_selector("#command-results :text('Configuration health')")

    browse(server, visit)
    assert (seen["first"].strip(), seen["after"]) == ("Skip to the content", "content")
    assert seen["focus"] == "true"
    assert set(seen["folded"]) == {"true", "false"}
