"""Enrichments that an administrator declares in the admin, over tables that know nothing of us."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from enrichment import enrichments, review
from enrichment.batches.creation import Selection
from enrichment.batches.staleness import Reason, with_staleness
from enrichment.batches.undo import undo
from enrichment.engine.inline import run_inline
from enrichment.enrichments import tables
from enrichment.errors import BadValue, FeatureOff, UnknownEnrichment
from enrichment.forecast import forecast
from enrichment.models import Batch, DeclaredEnrichment, EnrichmentResult, Prompt
from enrichment.running import enrich_one, run
from enrichment.trial import try_rows
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, RevisionChange
from llmconfig.roles import ensure_roles
from tests.api import caller
from tests.museum.models import Exhibit, Loan, Painting

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "admin:enrichment_declaredenrichment_add"
CHANGE = "admin:enrichment_declaredenrichment_change"
SCHEMA = {
    "type": "object",
    "properties": {"town": {"type": "string", "maxLength": 40}},
    "required": ["town"],
    "additionalProperties": False,
}


def signed_in(role):
    ensure_roles()
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(museum, simulator):
    """An administrator; the simulator repeats what it is told to say."""
    simulator.control(marked=False, left_out=0)
    return signed_in("administrator")


@pytest.fixture
def loans(museum):
    exhibit = Exhibit.objects.create(title="Vase", notes="A vase.")
    return [
        Loan.objects.create(exhibit=exhibit, remarks=f"good {number}", door_token="xyzzy")
        for number in range(4)
    ]


def filled(**given):
    """The form of an enrichment of loans, with what the simulator repeats as its answer."""
    return {
        "label": "Loan note",
        "name": "loan_note",
        "is_enabled": "on",
        "reads": ["remarks"],
        "writes": "",
        "node": "exhibit_label",
        "system": "",
        "user": "<say>{{remarks}}</say>",
        "schema": "",
        "gates": ["template_remains"],
        "answers_in": "",
        "longest_answer": "",
        "longest_source": "20000",
        **given,
    }


def declared(client, target="museum.Loan", **given):
    """Declares one by the form; the row."""
    shown = client.post(f"{reverse(ADD)}?target={target}", filled(**given), follow=True)
    form = shown.context and shown.context.get("adminform")
    assert not (form and form.form.errors), form.form.errors
    return DeclaredEnrichment.objects.get(name=given.get("name", "loan_note"))


def change(client, row, **given):
    address = reverse(CHANGE, args=[row.pk])
    seen = client.get(address).context["seen_revision"]
    form = filled(reads=row.reads, writes=row.writes, node=row.node, **given)
    shown = client.post(address, {**form, "_seen_revision": seen}, follow=True)
    assert shown.redirect_chain, shown.context["adminform"].form.errors
    row.refresh_from_db()


def states(name="loan_note"):
    found = EnrichmentResult.objects.filter(enrichment=name)
    return sorted(found.values_list("state", flat=True))


def test_from_the_form_to_a_written_column_by_uuid_and_back(admin):
    """Node of its own, columns of a row and of none but text; every surface knows it at once."""
    exhibits = Exhibit.objects.bulk_create(
        Exhibit(title=f"Vase {number}", notes="Red.") for number in range(5)
    )
    row = declared(
        admin, "museum.Exhibit", name="exhibit_line", label="Exhibit line", node="",
        reads=["title", "notes"], writes="label_text", user="<say>{{title}}</say> {{notes}}",
    )  # fmt: skip
    NodeConfiguration.objects.filter(node_name="exhibit_line").update(
        default_model="sim/gpt-4o-mini"
    )
    snapshot.expire()
    assert row.node == "exhibit_line"
    assert forecast("exhibit_line", Selection()).rows == 5
    assert {each.state for each in try_rows("exhibit_line", Selection())} == {"applied"}
    start = {"enrichment": "exhibit_line", "stale": ["never"], "transport": "live", "do": "start"}
    admin.post(reverse("admin:enrichment_batch_add"), start)
    batch = Batch.objects.get()
    assert run_to_the_end(batch) == ("completed", 5)
    assert Exhibit.objects.get(pk=exhibits[3].pk).label_text == "Vase 3"
    assert Exhibit.objects.get(pk=exhibits[3].pk).llm_model_used == "gpt-4o-mini"
    undo(batch)
    assert set(Exhibit.objects.values_list("label_text", flat=True)) == {""}
    body = {"processing_type": "exhibit_line", "row_id": str(exhibits[0].pk)}
    answer = caller("operator").post("/api/llm/enrich", body, format="json")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    change_of = RevisionChange.objects.filter(table_name="enrichment_declared")
    assert change_of.get().after["target"] == "museum.Exhibit"


def run_to_the_end(batch):
    run_inline(batch.pk, may_go_on=lambda: True)
    batch.refresh_from_db()
    return batch.status, batch.rows_total


def test_an_answer_may_stay_a_result_of_a_table_that_was_not_made_for_it(admin, loans):
    """No column is written; a hidden row isn't asked about; a column of theirs is called stale."""
    Loan.objects.filter(pk=loans[3].pk).update(is_over=True)
    row = declared(
        admin, reads=["remarks", "exhibit__title"], user="<say>{{remarks}}</say> {{exhibit__title}}"
    )
    batch = run("loan_note", Loan.objects.filter(stale=False), wait=True)
    assert (batch.status, batch.rows_total) == ("completed", 3)
    assert states() == ["applied"] * 3
    made = EnrichmentResult.objects.filter(row_id=str(loans[0].pk)).get()
    assert (made.value, made.previous_value) == ("good 0", None)
    assert undo(batch).undone == 3
    assert run(row.name, wait=True).rows_total == 3
    change(admin, row, user="Another wording: <say>{{remarks}}</say> {{exhibit__title}}")
    assert Prompt.objects.get(enrichment="loan_note", is_active=True).version == 2
    stale = with_staleness(enrichments.get("loan_note")).values_list("nodewise_stale", flat=True)
    assert set(stale) == {Reason.PROMPT}


def test_a_value_goes_through_the_column_as_a_form_would_have_it(admin, loans):
    """A choice that isn't one costs its row, with a reason; a reviewer can't write it either."""
    for number, text in enumerate(("good", "bad", "so so")):
        Loan.objects.filter(pk=loans[number].pk).update(remarks=text)
    Loan.objects.filter(pk=loans[3].pk).update(remarks="good, for all one can see")
    declared(admin, writes="mood")
    batch = run("loan_note", wait=True)
    assert batch.status == "completed"
    assert states() == ["applied", "applied", "failed", "suggested"]
    assert list(Loan.objects.order_by("pk").values_list("mood", flat=True)) == [
        "good",
        "bad",
        "",
        "",
    ]
    failed = EnrichmentResult.objects.get(state="failed")
    assert "'so so' is not a valid choice" in failed.reason
    assert "more than 10" in EnrichmentResult.objects.get(state="suggested").reason
    waiting = review.queue().get()
    with pytest.raises(BadValue, match="not a valid choice"):
        review.edit(waiting.pk, "fine", user=None)
    review.edit(waiting.pk, "good", user=None)
    assert Loan.objects.get(pk=loans[3].pk).mood == "good"


def test_a_schema_and_a_column_of_a_parents_table(admin, museum):
    loan = Loan.objects.create(
        exhibit=Exhibit.objects.create(title="Vase", notes="A vase."), remarks="In Delft."
    )
    declared(admin, writes="facts", schema=json.dumps(SCHEMA), user="{{remarks}}")
    assert enrich_one("loan_note", loan).state == "applied"
    assert set(Loan.objects.get().facts) == {"town"}
    Painting.objects.create(title="Night", notes="Dark.", medium="Oil on wood")
    declared(
        admin, "museum.Painting", name="medium_line", reads=["medium"], writes="label_text",
        user="<say>{{medium}}</say>",
    )  # fmt: skip
    assert run("medium_line", wait=True).rows_total == 1
    assert Painting.objects.get().label_text == "Oil on wood"


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"reads": ["colour"]}, "reads", "colour"),
    ({"reads": ["door_token"]}, "reads", "door_token"),
    ({"reads": []}, "reads", "required"),
    ({"writes": "exhibit"}, "writes", "exhibit"),
    ({"writes": "mood", "longest_answer": "20"}, "longest_answer", "holds 10 characters"),
    ({"writes": "mood", "schema": json.dumps(SCHEMA)}, "writes", "choose a JSON column"),
    ({"schema": '{"type": "nonsense"}'}, "schema", "nonsense"),
    ({"schema": "{"}, "schema", "JSON"),
    ({"user": "{{remarks}} {{colour}}"}, "user", "{{colour}} is not offered"),
    ({"user": "Say something."}, "user", "doesn't use {{remarks}}"),
    ({"system": "{{colour}}"}, "system", "{{colour}} is not offered"),
    ({"name": "exhibit_label"}, "name", "registers an enrichment of this name"),
    ({"name": "Loan note"}, "name", "lower-case letters"),
    ({"node": "nowhere"}, "node", "nowhere"),
    ({"node": "", "name": "enricher"}, "name", "interaction type"),
    ({"answers_in": "english"}, "answers_in", "language tag"),
    ({"gates": ["taste"]}, "gates", "taste"),
)


def test_a_declaration_that_cannot_be_done_is_refused_at_its_field(admin):
    for given, field, said in REFUSED:
        shown = admin.post(f"{reverse(ADD)}?target=museum.Loan", filled(**given))
        errors = shown.context["adminform"].form.errors
        assert list(errors) == [field], given
        assert said in " ".join(errors[field])
    assert not DeclaredEnrichment.objects.exists()


def test_which_tables_are_offered(admin, settings):
    assert {"museum.Loan", "museum.Painting", "listings.Animal"} <= set(tables.labels())
    shown = admin.get(reverse(ADD)).content.decode()
    assert "museum.Loan" in shown
    assert "door_token" not in shown
    for closed in (
        "auth.User",
        "sessions.Session",
        "authtoken.Token",
        "llmconfig.Provider",
        "x.Y",
        "axes.AccessLog",
    ):
        assert not tables.is_open(closed)
        assert "museum.Loan" in admin.get(f"{reverse(ADD)}?target={closed}").content.decode()
    settings.LLM_ENRICHABLE = "museum.Coin,auth"
    assert tables.labels() == ["auth.Group", "auth.Permission", "auth.User", "museum.Coin"]
    assert "password" not in tables.readable(User)


def test_the_form_shows_what_would_be_sent_about_a_row(admin, loans):
    address = f"{reverse('admin:enrichment_declaredenrichment_preview')}?target=museum.Loan"
    form = filled(system="Be brief.", user="<note>{{remarks}}</note>", preview_row=str(loans[2].pk))
    shown = admin.post(address, form, headers={"X-Fragment": "1"}).content.decode()
    assert "Be brief." in shown
    assert "&lt;note&gt;good 2&lt;/note&gt;" in shown
    assert "no column" not in shown
    assert (
        "has no such row" in admin.post(address, form | {"preview_row": "999999"}).content.decode()
    )
    assert "is not offered" in admin.post(address, form | {"user": "{{x}}"}).content.decode()
    assert not DeclaredEnrichment.objects.exists()


def test_another_process_notices_a_change_a_switch_and_a_removal(admin, loans):
    """By raw SQL, as another process's write is to this one."""
    row = declared(admin)
    before = enrichments.get("loan_note")
    assert enrichments.get("loan_note") is before
    with connection.cursor() as cursor:
        cursor.execute("UPDATE enrichment_declared SET is_enabled = false")
    snapshot.expire()
    with pytest.raises(FeatureOff, match="enable it on its page"):
        run("loan_note", wait=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE enrichment_declared SET is_enabled = true, reads = '{gone}'")
    snapshot.expire()
    with pytest.raises(UnknownEnrichment, match="can't be used: reads names what"):
        enrichments.get("loan_note")
    assert "loan_note" not in enrichments.names()
    assert b"can't be used" in admin.get(
        reverse("admin:enrichment_declaredenrichment_changelist")
    ).content.replace(b"&#x27;", b"'")
    row.delete()
    snapshot.expire()
    with pytest.raises(UnknownEnrichment, match="is no enrichment"):
        enrichments.get("loan_note")


def test_a_batch_pauses_with_the_reason_when_its_enrichment_is_switched_off(
    admin, loans, simulator
):
    row = declared(admin)
    batch = run("loan_note", loans)
    change(admin, row, is_enabled="")
    assert run_to_the_end(batch)[0] == "paused"
    assert "enable it on its page" in batch.status_reason
    shown = admin.post(
        reverse("admin:enrichment_declaredenrichment_delete", args=[row.pk]), {"post": "yes"}
    )
    assert "1 unfinished batch" in shown.content.decode()
    assert DeclaredEnrichment.objects.exists()


def test_the_only_wording_of_a_declared_one_stays_in_use(admin, loans):
    declared(admin)
    prompt = Prompt.objects.get(enrichment="loan_note")
    page = reverse("admin:enrichment_prompt_change", args=[prompt.pk])
    shown = admin.post(page, {"system": "", "user": prompt.user, "note": ""})
    assert "put another one into use instead" in shown.content.decode()
    shown = admin.post(reverse("admin:enrichment_prompt_delete", args=[prompt.pk]), {"post": "yes"})
    assert Prompt.objects.filter(pk=prompt.pk).exists()


API = "/api/llm/declared-enrichments"


def body(**given):
    """What the form has, as JSON; a value of None is left out."""
    form = {**filled(), "is_enabled": True, "target": "museum.Loan", "schema": None} | given
    left_out = {"longest_answer"} | {name for name, value in given.items() if value is None}
    return {name: value for name, value in form.items() if name not in left_out}


def test_the_api_declares_changes_and_removes_as_the_admin_does(admin, loans):
    asks = caller("administrator")
    made = asks.post(API, body(node=None, gates=None, schema=SCHEMA), format="json")
    assert made.status_code == 201, made.json()
    assert (made.json()["node"], made.json()["problem"]) == ("loan_note", "")
    assert "complete" in made.json()["gates"]
    assert NodeConfiguration.objects.filter(node_name="loan_note").exists()
    assert enrichments.get("loan_note").schema == SCHEMA
    shown = caller("viewer").get(f"{API}/loan_note")
    assert shown.json()["user"] == "<say>{{remarks}}</say>"
    changed = asks.patch(
        f"{API}/loan_note", {"schema": None, "label": "Note", "node": "exhibit_label"},
        format="json", headers={"if-match": shown["ETag"]},
    )  # fmt: skip
    assert changed.status_code == 200, changed.json()
    assert run("loan_note", wait=True).rows_total == 4
    assert states() == ["applied"] * 4
    listed = caller("viewer").get(f"{API}?target=museum.Loan").json()["results"]
    assert [(each["label"], each["user"]) for each in listed] == [("Note", made.json()["user"])]
    sources = RevisionChange.objects.filter(table_name="enrichment_declared")
    assert set(sources.values_list("revision__source", flat=True)) == {"api"}
    assert asks.delete(f"{API}/loan_note").status_code == 204
    with pytest.raises(UnknownEnrichment):
        enrichments.get("loan_note")


def test_the_api_refuses_what_the_form_refuses_at_the_same_field(admin, museum):
    asks = caller("administrator")
    more: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"target": "auth.User"}, "target", "may be enriched"),
        ({"reads": ["remarks", "remarks"]}, "reads", "twice"),
        ({"schema": []}, "schema", ""),
        ({"longest_source": 0}, "longest_source", "1"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"problem": "none"}, "problem", "can't be written"),
    )
    for given, field, said in (*REFUSED, *more):
        schema = given.get("schema")
        if schema == "{":  # no JSON at all
            continue
        sent = given | ({"schema": json.loads(schema)} if isinstance(schema, str) else {})
        if "longest_answer" in sent:
            sent["longest_answer"] = int(sent["longest_answer"])
        asked = body(**sent) | {name: sent[name] for name in sent.keys() & {"longest_answer"}}
        answer = asks.post(API, asked, format="json")
        message = answer.json()["message"]
        assert answer.status_code == 400, given
        assert message.startswith(f"{field}:"), (given, message)
        assert said.lower() in message.lower().replace("at least 1", "required"), (given, message)
    assert not DeclaredEnrichment.objects.exists()


def test_the_api_knows_two_writers_from_each_other_also_by_the_wording(admin, loans):
    asks = caller("administrator")
    asks.post(API, body(), format="json")
    page = f"{API}/loan_note"
    seen = asks.get(page)["ETag"]

    def write(**given):
        return asks.patch(page, given, format="json", headers={"if-match": seen})

    reworded = asks.patch(page, {"user": "Other: {{remarks}}"}, format="json")
    assert Prompt.objects.get(enrichment="loan_note", is_active=True).version == 2
    refused = write(user="Mine: {{remarks}}")
    assert (refused.status_code, refused.json()["code"]) == (412, "changed_since")
    assert "version 2 is in use" in refused.json()["message"]
    assert asks.delete(page, headers={"if-match": seen}).status_code == 412
    seen = reworded["ETag"]
    assert write(label="Mine").status_code == 200
    refused = write(label="Theirs")
    assert refused.status_code == 412
    assert "label Loan note → Mine" in refused.json()["message"]
    assert asks.patch(page, {"name": "another"}, format="json").status_code == 400
    assert asks.post(API, body(), format="json").status_code == 409
    batch = run("loan_note", loans)
    refused = asks.delete(page)
    assert (refused.status_code, "not ended" in refused.json()["message"]) == (409, True)
    assert Batch.objects.get(pk=batch.pk)


def test_the_form_is_not_saved_over_another_wording(admin, loans):
    row = declared(admin)
    address = reverse(CHANGE, args=[row.pk])
    opened = admin.get(address).context
    form = filled(reads=row.reads, writes="", node=row.node)
    form |= {"_seen_revision": opened["seen_revision"]}
    form |= {"seen_wording": opened["adminform"].form.initial["seen_wording"]}
    caller("administrator").patch(
        f"{API}/loan_note", {"user": "Theirs: {{remarks}}"}, format="json"
    )
    shown = admin.post(address, {**form, "user": "Mine: {{remarks}}"}).content.decode()
    assert "version 2 is now in use" in shown
    assert Prompt.objects.filter(enrichment="loan_note").count() == 2


def test_only_administrators_declare(museum):
    for role in ("viewer", "operator"):
        client = signed_in(role)
        target = f"{reverse(ADD)}?target=museum.Loan"
        assert client.get(target).status_code == 403
        assert client.post(target, filled()).status_code == 403
        preview = reverse("admin:enrichment_declaredenrichment_preview")
        assert client.post(f"{preview}?target=museum.Loan", filled()).status_code == 403
        assert (
            client.get(reverse("admin:enrichment_declaredenrichment_changelist")).status_code == 200
        )
    assert not DeclaredEnrichment.objects.exists()
