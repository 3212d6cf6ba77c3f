"""Sets made and runs begun in the admin, by whoever may, and two runs side by side."""

import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from enrichment.evaluations import runs, sets
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.listings.models import Animal
from enrichment.models import EvaluationAnswer, EvaluationRun, EvaluationSet
from llmconfig import client as llm
from llmconfig.client.types import Call, Message
from llmconfig.configuration import snapshot
from llmconfig.models import ProviderModel
from llmconfig.roles import ensure_roles, group_name
from metrics.models import GenerationHistory
from tests.browsing import PASSWORD, browse, in_a_browser

pytestmark = pytest.mark.django_db(transaction=True)
NODE = "description_cleaning"
ADD_SET = "/admin/enrichment/evaluationset/add/"
ADD_RUN = "/admin/enrichment/evaluationrun/add/"


@pytest.fixture
def olga(client: Any) -> Any:
    """An operator: runs things, reads no prompts."""
    ensure_roles()
    user = User.objects.create_user("olga", is_staff=True)
    user.groups.add(Group.objects.get(name=group_name("operator")))
    client.force_login(user)
    return client


@pytest.fixture
def reader(olga: Any) -> Any:
    """An operator who may read prompts and answers too."""
    User.objects.get(username="olga").groups.add(Group.objects.get(name=group_name("reader")))
    return olga


def made(client: Any, **given: Any) -> Any:
    filled = {"name": "texts", "source": "sample", "enrichment": NODE, "limit": "200"}
    return client.post(ADD_SET, {**filled, **given})


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({}, 12),
        ({"limit": "5"}, 5),
        ({"source": "ids", "ids": "FIRST, SECOND"}, 2),
        ({"source": "chosen", "query": "q=Dog+1", "table": "listings.Animal"}, 3),
        ({"source": "chosen", "rows": "FIRST", "table": "listings.Animal"}, 1),
    ],
    ids=["all", "sample", "by hand", "filter", "ticked"],
)
def test_a_set_takes_the_rows_that_were_chosen(provider, make_animals, olga, given, rows):
    make_animals(12)
    first, second = (str(each.pk) for each in Animal.objects.order_by("pk")[:2])
    given = {
        name: value.replace("FIRST", first).replace("SECOND", second)
        for name, value in given.items()
    }
    answer = made(olga, **given)
    assert answer.status_code == 302, answer.context["form"].errors
    found = EvaluationSet.objects.get()
    assert (found.cases.count(), found.created_by.username) == (rows, "olga")
    page = olga.get(answer["Location"]).content.decode()
    assert "likes to run" in page
    assert f"{ADD_RUN}?set={found.pk}" in page


def test_a_spreadsheets_file_gives_the_wanted_answers(provider, make_animals, olga):
    make_animals(2)
    keys = list(Animal.objects.values_list("pk", flat=True))
    text = f"row_id,wanted\r\n{keys[0]},As it should be.\r\n{keys[1]},\r\n"
    file = SimpleUploadedFile("wanted.csv", b"\xef\xbb\xbf" + text.encode())
    assert made(olga, source="file", csv=file).status_code == 302
    wanted = EvaluationSet.objects.get().cases.order_by("id").values_list("wanted", "wanted_by")
    assert list(wanted) == [("As it should be.", "file"), (None, "")]


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"name": "No Name"}, "name", "small letters"),
        ({"source": "ids", "ids": " , "}, "ids", "at least one row"),
        ({"source": "ids", "ids": "none"}, "ids", "is no key"),
        ({"source": "file"}, "csv", "Choose a CSV file"),
        ({"source": "file", "csv": b"id,text\n1,a"}, "csv", "columns row_id and wanted"),
        ({"source": "file", "csv": "row_id,wanted\n1,ü".encode("latin-1")}, "csv", "UTF-8"),
        ({"source": "reviews"}, "limit", "no row of this kind"),
        ({"source": "calls", "node": NODE}, "source", "not one of the available"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field(
    provider, make_animals, olga, given, field, said
):
    make_animals(1)
    if isinstance(given.get("csv"), bytes):
        given = given | {"csv": io.BytesIO(given["csv"])}
        given["csv"].name = "wanted.csv"
    answer = made(olga, **given)
    assert answer.status_code == 200
    assert said in " ".join(answer.context["form"].errors[field])
    assert not EvaluationSet.objects.exists()


def test_recorded_calls_are_tried_again_by_those_who_may_read_them(provider, simulator, reader):
    ProviderModel.objects.get_or_create(provider=provider, model_id="gpt-4o")
    snapshot.expire()
    for number in range(3):
        message: Message = {"role": "user", "content": f"What is {number} and one?"}
        llm.generate(Call(node=NODE, messages=[message]))
    assert GenerationHistory.objects.count() == 3
    answer = made(reader, source="calls", node=NODE, days="1", wanted_answers="call")
    assert answer.status_code == 302, answer.context["form"].errors
    found = EvaluationSet.objects.get()
    assert (found.enrichment, found.node) == ("", NODE)
    assert {each.wanted_by for each in found.cases.all()} == {"call"}
    first, second = (
        runs.carry_out(runs.begin(found, RunOrder(model=model), user=None).pk)
        for model in ("", "sim/gpt-4o")
    )
    assert (first.status, first.answers.filter(state="applied").count()) == ("done", 3)
    address = f"/admin/enrichment/evaluationrun/comparison/?first={first.pk}&second={second.pk}"
    assert "and one?" in reader.get(f"/admin/enrichment/evaluationset/{found.pk}/change/").text
    assert reader.get(address).status_code == 200
    case = f"/admin/enrichment/evaluationcase/{found.cases.first().pk}/change/"
    assert reader.get(case).status_code == 200
    User.objects.get(username="olga").groups.remove(Group.objects.get(name=group_name("reader")))
    assert reader.get(address).status_code == 403
    assert reader.get(case).status_code == 302  # as if it weren't there
    assert "and one?" not in reader.get(f"/admin/enrichment/evaluationset/{found.pk}/change/").text


def test_a_run_is_begun_after_its_forecast_and_stopped_and_goes_on(
    provider, simulator, make_animals, olga
):
    make_animals(4)
    found = sets.make_set("texts", NODE, CaseSource())
    shown = olga.post(ADD_RUN, {"set": found.pk, "do": "forecast"}, headers={"X-Fragment": "1"})
    assert (shown.context["forecast"]["rows"], EvaluationRun.objects.count()) == (4, 0)
    refused = olga.post(ADD_RUN, {"set": found.pk, "model": "tier:none", "do": "start"})
    assert "none" in " ".join(refused.context["form"].errors["model"])
    olga.post(ADD_RUN, {"set": found.pk, "max_cost_usd": "2", "do": "start"})
    run = EvaluationRun.objects.get()
    assert (run.max_cost_usd, run.status) == (Decimal(2), "waiting")
    control = f"/admin/enrichment/evaluationrun/{run.pk}/control/"
    assert "Stop" in olga.get(f"/admin/enrichment/evaluationrun/{run.pk}/change/").text
    olga.post(f"{control}stop/")
    assert runs.carry_out(run.pk).status == "stopped"  # whoever takes it from the queue
    assert not run.answers.exists()
    olga.post(f"{control}proceed/")
    assert [each.pk for each in runs.unattended()] == [run.pk]
    run = runs.carry_out(run.pk)
    assert (run.status, run.answers.count(), runs.unattended()) == ("done", 4, [])


def test_failed_calls_count_against_a_run_and_are_told(
    provider, simulator, make_animals, admin_client
):
    make_animals(20)
    found = sets.make_set("texts", NODE, CaseSource())
    good = runs.carry_out(runs.begin(found, RunOrder(), user=None).pk)
    simulator.plan({"text": "Dog 1", "action": {"status": 400}})
    bad = runs.carry_out(runs.begin(found, RunOrder(), user=None).pk)
    failed = EvaluationAnswer.objects.filter(run=bad, state="failed").count()
    assert failed == 11  # 1, and 10 to 19
    address = f"/admin/enrichment/evaluationrun/comparison/?first={good.pk}&second={bad.pk}"
    page = admin_client.get(address).text
    assert "11 of 20 calls failed" in page
    assert "The first is higher: passes the gates." in page
    few = sets.make_set("few", NODE, CaseSource(limit=3))
    pair = [runs.carry_out(runs.begin(few, RunOrder(), user=None).pk) for _ in range(2)]
    address = address.replace(str(good.pk), str(pair[0].pk))
    assert (
        "too few to show a difference"
        in admin_client.get(address.replace(str(bad.pk), str(pair[1].pk))).text
    )
    other = admin_client.get(address, follow=True)
    assert "two versions of one" in other.text
    admin_client.post(
        "/admin/enrichment/evaluationset/",
        {"action": "delete_selected", "_selected_action": [few.pk], "post": "yes"},
    )
    assert not EvaluationSet.objects.filter(name="few").exists()


@in_a_browser
def test_a_person_makes_a_set_and_begins_a_run_in_a_browser(
    provider, simulator, make_animals, server, settings
):
    User.objects.create_superuser("grace", password=PASSWORD)
    make_animals(6)
    seen: dict[str, Any] = {}

    def visit(page: Any) -> None:
        page.goto(server + reverse("admin:listings_animal_changelist"))
        page.check("#action-toggle")
        page.select_option("[name=action]", "make_set")
        with page.expect_navigation():
            page.click("button[name=index]")
        page.fill("[name=name]", "dogs")
        seen["hidden"] = page.is_hidden("[name=csv]")
        page.click("button:has-text('Make the set')")
        page.click("a:has-text('Start a run')")
        page.wait_for_selector("#run-forecast .nw-figure")
        seen["forecast"] = page.inner_text("#run-forecast")
        page.click("[data-start]")
        page.wait_for_selector("h2:has-text('Compare with')")

    browse(server, visit)
    assert seen["hidden"]
    assert "6" in seen["forecast"]
    run = EvaluationRun.objects.get()
    assert (run.evaluation_set.name, run.evaluation_set.cases.count()) == ("dogs", 6)
