"""Batches, listings and prompts in the admin."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from enrichment.admin.batch_page import selection_in_words
from enrichment.listings.models import Animal, Organization
from enrichment.models import (
    Batch,
    BatchChunk,
    BatchStatus,
    CheapAnswer,
    EnrichmentResult,
    Prompt,
)
from llmconfig.models import Budget
from llmconfig.roles import ensure_roles
from tests.api import caller
from tests.browsing import PASSWORD, browse, in_a_browser

pytestmark = pytest.mark.django_db

HOSTILE = "<script>window.ran = 1</script>"


@pytest.fixture
def client():
    ensure_roles()
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def animal():
    rescue = Organization.objects.create(external_id="r1", slug="rescue", name="Rescue")
    return Animal.objects.create(
        external_id="a1",
        organization=rescue,
        name=f"Rex {HOSTILE}",
        description=HOSTILE,
        enriched_description=f"Rex. {HOSTILE}",
        dog_profiler_data={"tagline": HOSTILE},
        translations={"de": HOSTILE},
    )


def make_batch(status=BatchStatus.RUNNING, **fields):
    batch = Batch.objects.create(enrichment="dog_profiler", status=status, rows_total=10, **fields)
    BatchChunk.objects.create(
        batch=batch, row_ids=[str(n) for n in range(10)], rows_done=6, rows_failed=1, cost_usd="0.5"
    )
    EnrichmentResult.objects.create(
        batch=batch,
        enrichment="dog_profiler",
        target="listings.Animal",
        row_id="3",
        state="failed",
        reason=f"No answer {HOSTILE}",
        input_hash="x",
    )
    return batch


PAGES = (
    "listings_animal", "enrichment_batch", "enrichment_enrichmentresult", "listings_organization",
)  # fmt: skip


def page_of(row):
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def press(client, batch, verb, **given):
    return client.post(reverse("admin:enrichment_batch_control", args=[batch.pk, verb]), given)


def test_model_text_is_escaped_everywhere(client, animal):
    batch = make_batch()
    pages = [
        page_of(animal),
        page_of(batch),
        page_of(batch.results.get()),
        page_of(batch.chunks.get()),
    ]
    pages += [reverse(f"admin:{name}_changelist") for name in PAGES]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert HOSTILE not in answer.content.decode(), page


@pytest.mark.parametrize(
    ("priced", "shown", "by_api"),
    [(0, "unpriced", None), ("0.5", "$0.5000 + 3 unpriced", "0.5000000000")],
)
def test_a_batch_with_unpriced_calls_says_so_wherever_its_cost_stands(
    client, capsys, priced, shown, by_api
):
    batch = make_batch()
    chunk = batch.chunks.get()
    chunk.cost_usd, chunk.unpriced_calls, chunk.unpriced_tokens = priced, 3, 4321
    chunk.save()
    for page in ("/admin/", reverse("admin:enrichment_batch_changelist"), page_of(batch),
                 reverse("admin:enrichment_batchchunk_changelist"), page_of(chunk)):  # fmt: skip
        text = client.get(page).content.decode()
        assert shown in text, page
        assert ">$0<" not in text.replace("<span>$0</span>", ""), page  # but for an axis
    assert "4,321" in client.get(page_of(batch)).content.decode()
    progress = caller("viewer").get(f"/api/llm/batches/{batch.pk}").json()["progress"]
    assert (progress["cost_usd"], progress["unpriced_calls"]) == (by_api, 3)
    assert progress["unpriced_tokens"] == 4321
    call_command("llm_batch", "list")
    assert shown.split()[0] in capsys.readouterr().out


def test_the_list_of_batches_tells_done_and_skipped_rows_apart(capsys):
    BatchChunk.objects.filter(batch=make_batch()).update(rows_skipped=2)
    call_command("llm_batch", "list")
    head, row = capsys.readouterr().out.splitlines()[1::2]
    assert [each.strip() for each in head.split("┃")][4:8] == ["done", "skipped", "failed", "rows"]
    assert [each.strip() for each in row.split("│")][4:8] == ["6", "2", "1", "10"]


def test_a_batch_page_shows_how_far_it_is_and_why_rows_failed(client):
    page = client.get(page_of(make_batch()))
    text = page.content.decode()
    assert "7 / 10" in text
    assert "$0.5000" in text
    assert "No answer" in text
    assert [each.verb for each in page.context["buttons"]] == ["pause", "cancel"]


def test_a_batch_is_paused_and_cancelled_by_its_buttons(client):
    batch = make_batch()
    press(client, batch, "pause")
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    page = client.get(page_of(batch))
    assert [each.verb for each in page.context["buttons"]] == ["resume", "cancel"]
    question = press(client, batch, "cancel").content.decode()
    assert "3 of its 10 rows aren&#x27;t done" in question
    assert Batch.objects.get().status == BatchStatus.PAUSED
    press(client, batch, "cancel", confirmed="yes")
    assert Batch.objects.get().status == BatchStatus.CANCELLED


def test_a_control_that_comes_too_late_is_refused_in_words(client):
    batch = make_batch(BatchStatus.COMPLETED)
    answer = client.post(
        reverse("admin:enrichment_batch_control", args=[batch.pk, "pause"]), follow=True
    )
    assert "is completed, which is final; it can&#x27;t be paused" in answer.content.decode()


def test_a_failed_row_has_its_name_and_links(client, animal):
    batch = make_batch()
    batch.results.update(row_id=str(animal.pk))
    text = client.get(page_of(batch)).content.decode()
    assert f'href="{page_of(animal)}">Rex &lt;script&gt;' in text


def test_several_batches_are_cancelled_after_a_question(client):
    chosen = {"action": "cancel_selected", "_selected_action": [make_batch().pk, make_batch().pk]}
    address = reverse("admin:enrichment_batch_changelist")
    assert "Cancel 2 batches?" in client.post(address, chosen).content.decode()
    assert not Batch.objects.filter(status=BatchStatus.CANCELLED).exists()
    client.post(address, {**chosen, "confirmed": "yes"})
    assert Batch.objects.filter(status=BatchStatus.CANCELLED).count() == 2


def test_controls_take_no_get(client):
    batch = make_batch()
    assert (
        client.get(reverse("admin:enrichment_batch_control", args=[batch.pk, "pause"])).status_code
        == 405
    )


def test_several_batches_are_paused_at_once(client):
    chosen = [make_batch().pk, make_batch().pk]
    client.post(
        reverse("admin:enrichment_batch_changelist"),
        {"action": "pause_selected", "_selected_action": chosen},
    )
    assert set(Batch.objects.values_list("status", flat=True)) == {BatchStatus.PAUSED}


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 302)])
def test_only_an_operator_controls_batches(client, role, status):
    batch = make_batch()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    assert press(client, batch, "pause").status_code == status


def test_listings_can_be_narrowed_to_what_is_missing(client, animal):
    Animal.objects.create(
        external_id="a2", organization=animal.organization, name="Untouched", description="A dog."
    )
    listed = client.get(reverse("admin:listings_animal_changelist"), {"cleaned": "no"})
    assert [row.name for row in listed.context["cl"].result_list] == ["Untouched"]


@pytest.mark.usefixtures("known_configuration")
@pytest.mark.parametrize("name", PAGES)
def test_a_longer_list_costs_no_more_queries(client, animal, name, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as counted:
            client.get(reverse(f"admin:{name}_changelist"))
        return len(counted)

    make_batch()
    client.get(reverse("admin:index"))
    few = queries()
    for number in range(8):
        rescue = Organization.objects.create(external_id=f"o{number}", slug="s", name="S")
        Animal.objects.create(external_id=f"x{number}", organization=rescue, name="X")
        make_batch()
    assert queries() <= few


@pytest.mark.usefixtures("known_configuration")
def test_the_list_of_listings_reads_no_whole_text(client, animal, django_assert_max_num_queries):
    with django_assert_max_num_queries(30) as counted:
        client.get(reverse("admin:listings_animal_changelist"))
    rows = next(each["sql"] for each in counted.captured_queries if "LIMIT" in each["sql"])
    assert '"animals"."enriched_description",' not in rows
    assert '"animals"."dog_profiler_data",' not in rows


def prompt_form(**changed):
    return {"enrichment": "dog_profiler", "user": "{{name}}", "system": "", "note": ""} | changed


def test_another_wording_is_another_version_and_takes_over(client):
    add = reverse("admin:enrichment_prompt_add")
    assert client.post(add, prompt_form(is_active="on")).status_code == 302
    first = Prompt.objects.get()
    answer = client.post(page_of(first), prompt_form(user="Dog: {{name}}", is_active="on"))
    assert answer.status_code == 302
    assert list(Prompt.objects.order_by("version").values_list("version", "user", "is_active")) == [
        (1, "{{name}}", False),
        (2, "Dog: {{name}}", True),
    ]


def test_a_prompt_with_a_name_that_no_row_has_is_refused(client):
    answer = client.post(reverse("admin:enrichment_prompt_add"), prompt_form(user="{{shoe_size}}"))
    assert "is not offered" in answer.context["adminform"].form.errors["user"][0]


@in_a_browser
@pytest.mark.django_db(transaction=True)
def test_a_person_signs_in_reads_a_hostile_listing_and_pauses_a_batch(live_server, animal):
    User.objects.create_superuser("grace", password=PASSWORD)
    batch = make_batch()
    seen: dict[str, Any] = {}
    opened = threading.Event()

    def visit(page):
        seen["overview"] = page.inner_text("#content")
        page.goto(live_server.url + page_of(animal))
        seen["ran"] = page.evaluate("window.ran")
        page.goto(live_server.url + page_of(batch))
        opened.set()
        page.wait_for_selector("#batch-progress :text('10 / 10')")
        page.click("button:has-text('Pause')")
        page.wait_for_selector("button:has-text('Resume')")

    with ThreadPoolExecutor(1) as beside:
        visited = beside.submit(browse, live_server.url, visit)
        opened.wait(timeout=200)
        batch.chunks.update(rows_done=9)
        visited.result()
    assert "Running batches" in seen["overview"]
    assert seen["ran"] is None
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED


def test_a_text_that_nobody_wrote_stays_unset_when_the_form_is_saved(client, animal):
    """Else editing a city would mark the listing as cleaned."""
    Animal.objects.update(enriched_description=None, city="Bonn")
    address = page_of(animal)
    form = client.get(address).context["adminform"].form
    filled = {name: form[name].value() for name in form.fields}
    given = {name: "" if each is None else each for name, each in filled.items()}
    given |= {"city": "Köln", "mixed": "unknown", "dog_profiler_data": "null", "tags": "null"}
    answer = client.post(address, {**given, "translations": "null", "entities": "null"})
    assert answer.status_code == 302, answer.context["errors"]
    animal.refresh_from_db()
    assert (animal.city, animal.enriched_description) == ("Köln", None)
    Animal.objects.update(enriched_description="")
    client.post(address, {**given, "city": "Bonn"})
    animal.refresh_from_db()
    assert (animal.city, animal.enriched_description) == ("Bonn", "")


def test_whose_answer_a_waiting_row_gets_is_shown_without_the_answer(client):
    batch = make_batch()
    row = CheapAnswer.objects.create(
        batch=batch, row_id="row-7", block=uuid.uuid4(), way="dear", answer=f"told {HOSTILE}"
    )
    listed = reverse("admin:enrichment_cheapanswer_changelist")
    for page in (client.get(listed, {"q": str(batch.pk)}), client.get(page_of(row))):
        text = page.content.decode()
        assert "row-7" in text
        assert "dear" in text
        assert "window.ran" not in text


def test_a_budgets_organization_is_chosen_by_its_name(client, animal):
    rescue = animal.organization
    chosen = f"organization:{rescue.pk}"
    page = client.get(reverse("admin:llmconfig_budget_add")).content.decode()
    assert f'<option value="{chosen}">Rescue</option>' in page
    form = {"name": "r", "is_enabled": "on", "period": "day", "hard_limit_usd": "5",
            "applies_to": chosen, "_seen_revision": "0"}  # fmt: skip
    client.post(reverse("admin:llmconfig_budget_add"), form)
    budget = Budget.objects.get()
    assert (budget.scope, budget.scope_value) == ("organization", str(rescue.pk))


def test_which_rows_a_batch_takes_is_said_without_codes():
    params = {"limit": 5, "stale": ["input", "never"], "variants": [""]}
    said = "stale: not enriched yet, or failed / the row has changed"
    assert selection_in_words(params) == f"at most 5 rows; {said}"
    assert selection_in_words({"stale": ["input"]}) == "chosen rows; stale: the row has changed"
    assert selection_in_words({"whole_table": True}) == "all rows of the table"
