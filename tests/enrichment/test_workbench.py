"""The workbench of prompts: on real rows, tried, compared, what using it costs, and labels."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from enrichment import drafts
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.staleness import Reason, with_staleness
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.errors import BadPrompt, BadSelection
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, Prompt
from enrichment.prompts import labels, versions
from enrichment.prompts.selection import PromptsInForce, versions_in_force
from enrichment.single import enrich_row
from llmconfig.roles import ensure_roles
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "description_cleaning"
PAGE = reverse("admin:enrichment_workbench")
WORDING: dict[str, Any] = {
    "system": "Be brief.",
    "user": "<say>{{name}} likes to run and play</say>",
}


@pytest.fixture
def client(admin_user: Any) -> Client:
    made = Client()
    made.force_login(admin_user)
    return made


def press(client: Client, do: str, **given: Any) -> Any:
    """One of the page's buttons."""
    asked = {"enrichment": NAME, "base": "0", "rows": "3", **WORDING, **given, "do": do}
    return client.post(PAGE, asked, follow=True)


def test_it_starts_from_the_built_in_text_or_the_version_in_use(client):
    built_in = get(NAME).prompt
    form = client.get(PAGE, {"enrichment": NAME}).context["form"]
    assert (form.initial["system"], form.initial["user"]) == (built_in.system, built_in.user)
    versions.add(NAME, note="", **WORDING)
    assert client.get(PAGE, {"enrichment": NAME}).context["form"].initial["user"] == WORDING["user"]
    again = client.get(PAGE, {"enrichment": NAME, "version": 0}).context["form"]
    assert again.initial["user"] == built_in.user


def test_the_wording_is_shown_on_the_row_that_is_asked_for_and_nobody_is_called(
    client, make_animals, simulator
):
    make_animals(2)
    second = Animal.objects.order_by("pk")[1]
    shown = press(client, "show", row=str(second.pk)).context["filled"]
    assert dict(shown.messages) == {
        "system": "Be brief.", "user": f"<say>{second.name} likes to run and play</say>",
    }  # fmt: skip
    assert simulator.stats()["paid"] == 0


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"row": "7000"}, "row", "has no row 7000"),
        ({"row": "x"}, "row", "is no key of"),
        ({"user": "{{nothing}}"}, "user", "{{nothing}} is not offered"),
        ({"rows": "11"}, "rows", "less than or equal to 10"),
    ],
)
def test_what_can_not_be_is_told_beside_its_field_and_no_word_is_lost(
    client, make_animals, given, field, said
):
    make_animals(1)
    form = press(client, "show", **given).context["form"]
    assert said in str(form.errors[field])
    assert form["system"].value() == "Be brief."


def test_a_trial_asks_with_the_wording_shows_the_cost_and_writes_nothing(
    provider, simulator, client, make_animals
):
    make_animals(12)
    shown = press(client, "try", rows="10").context
    assert len(shown["trial"]) == 10
    assert "Dog 0 likes to run and" in shown["trial"][0]["after"]
    assert "$" in shown["trial_cost"]
    assert not EnrichmentResult.objects.exists()
    # A wording that isn't saved is no version: what it said counts for none.
    assert set(GenerationMetric.objects.values_list("prompt_version", flat=True)) == {None}


def test_a_trial_of_one_row_asks_about_this_row(provider, simulator, client, make_animals):
    make_animals(3)
    wanted = Animal.objects.order_by("pk")[2]
    (row,) = press(client, "try", row=str(wanted.pk)).context["trial"]
    assert row["name"] == str(wanted)


def test_it_says_how_many_rows_a_wording_makes_stale_and_what_redoing_costs(
    provider, simulator, client, make_animals
):
    make_animals(5)
    run_lane(creation.create(NAME, Selection(limit=3)).pk)
    found = press(client, "cost").context["redoing"]
    assert (found["stale"], found["already"]) == ("3", "0")
    assert "$" in found["cost"][1]
    built_in = get(NAME).prompt
    same = press(client, "cost", system=built_in.system, user=built_in.user).context["redoing"]
    assert same["stale"] == "0"


def test_saving_makes_a_version_and_using_it_makes_rows_stale(
    provider, simulator, client, make_animals
):
    make_animals(2)
    run_lane(creation.create(NAME, Selection()).pk)
    press(client, "save", note="shorter")
    kept = Prompt.objects.get()
    assert (kept.is_active, kept.note, kept.system) == (False, "shorter", "Be brief.")
    assert versions_in_force(get(NAME)) == {None: 0}
    press(client, "use")  # the same wording is no other version
    assert Prompt.objects.get().is_active
    reasons = {row.nodewise_stale for row in with_staleness(get(NAME))}
    assert reasons == {Reason.PROMPT}


def test_the_built_in_text_can_be_used_again(client):
    versions.add(NAME, note="", **WORDING)
    press(client, "label", version="0", label="production")
    assert versions_in_force(get(NAME)) == {None: 0}


def test_two_versions_are_compared_word_by_word_with_their_quality(
    provider, simulator, client, make_animals
):
    make_animals(2)
    versions.add(NAME, note="", system="", user="Say {{name}} briefly")
    versions.add(NAME, note="", system="", user="Say {{name}} kindly", in_use=False)
    run_lane(creation.create(NAME, Selection()).pk)
    page = client.get(PAGE, {"enrichment": NAME, "first": "1", "second": "2"})
    text = page.content.decode()
    assert '<del class="nw-before">briefly</del>' in text
    assert '<ins class="nw-after">kindly</ins>' in text
    measured = {base.version: found for base, found in page.context["versions"]}
    assert measured[1].passed.number == 2
    assert measured[2] is None


def test_a_process_uses_the_version_with_its_label(provider, simulator, make_animals, settings):
    (animal,) = make_animals(1)
    staged = versions.add(NAME, note="", in_use=False, **WORDING)
    labels.put(staged, "staging")
    enrichment = get(NAME)
    assert PromptsInForce(enrichment).of(None).version == 0
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_PROMPT_LABEL": "staging"}
    enrich_row(NAME, animal.pk)
    assert EnrichmentResult.objects.get().prompt_version == staged.version
    assert {row.nodewise_stale for row in with_staleness(enrichment)} == {Reason.FRESH}
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_PROMPT_LABEL": "production"}
    assert {row.nodewise_stale for row in with_staleness(enrichment)} == {Reason.PROMPT}


def test_a_label_is_of_one_version(client):
    first = versions.add(NAME, note="", **WORDING)
    second = versions.add(NAME, note="", system="", user="{{name}}")
    for version in (first, second):
        press(client, "label", version=str(version.version), label=" Staging ")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.labels, second.labels) == ([], ["staging"])
    press(client, "label", version=str(second.version), label="staging", take="1")
    second.refresh_from_db()
    assert second.labels == []


@pytest.mark.parametrize("label", ["", "production", "with space", "Ä", "x" * 41])
def test_a_label_that_is_none_is_refused(label):
    prompt = versions.add(NAME, note="", **WORDING)
    with pytest.raises(BadPrompt, match="short name"):
        labels.put(prompt, label)


def test_no_batch_runs_with_a_wording_that_is_not_saved(make_animals):
    draft = drafts.draft_of(get(NAME), **WORDING)
    with pytest.raises(BadSelection, match="save the prompt"):
        creation.create(NAME, Selection(draft=draft))


@pytest.mark.parametrize(
    ("role", "do", "allowed"),
    [
        ("viewer", "show", False), ("viewer", "try", False), ("viewer", "use", False),
        ("operator", "show", True), ("operator", "use", True),
    ],
)  # fmt: skip
def test_viewers_look_and_operators_change(make_animals, role, do, allowed):
    make_animals(1)
    ensure_roles()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    page = client.get(PAGE, {"enrichment": NAME})
    assert page.status_code == 200
    assert (b'value="use"' in page.content) is (role != "viewer")
    assert press(client, do).status_code == (200 if allowed else 403)


def test_an_enrichment_that_there_is_not_leads_back(client):
    answer = client.get(PAGE, {"enrichment": "x"}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("admin:enrichment_prompt_changelist")


def test_the_playground_takes_a_nodes_prompt_and_a_row(client, make_animals):
    make_animals(1)
    (animal,) = Animal.objects.all()
    page = client.get(reverse("admin:llm_playground"), {"target": NAME, "row": str(animal.pk)})
    initial = page.context["form"].initial
    assert animal.description in initial["message"]
    assert initial["target"] == NAME
    gone = client.get(reverse("admin:llm_playground"), {"target": NAME, "row": "7000"})
    assert "has no row 7000" in gone.context["before"].note


def test_the_playground_opens_a_recorded_call_for_who_may_read_it(
    provider, simulator, client, make_animals
):
    make_animals(1)
    press(client, "try", rows="1")
    call = GenerationMetric.objects.get()
    address = reverse("admin:llm_playground") + f"?call={call.correlation_id}"
    shown = client.get(reverse("admin:metrics_generationmetric_change", args=[call.pk]))
    assert address in shown.content.decode()
    initial = client.get(address).context["form"].initial
    assert (
        initial["message"]
        == f"Be brief.\n\n<say>{Animal.objects.get().name} likes to run and play</say>"
    )
    ensure_roles()
    operator = User.objects.create_user("olga", is_staff=True)
    operator.groups.add(Group.objects.get(name="operator"))
    client.force_login(operator)
    assert client.get(address).context["form"].initial["message"] == ""
