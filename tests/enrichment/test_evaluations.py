"""Sets, runs over them, and what may be said of two: what was planted is found, and no more."""

import io
import json
import random
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from enrichment import trial
from enrichment.batches.creation import Selection
from enrichment.cascades.promise import proportion_interval
from enrichment.errors import BadSelection
from enrichment.evaluations import runs, sets
from enrichment.evaluations.comparison import AGREES, compare
from enrichment.evaluations.known_quality import quality_of_change
from enrichment.evaluations.measures import chrf, differences
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.listings.models import Animal
from enrichment.models import EvaluationCase, EvaluationRun, EvaluationSet, Prompt
from llmconfig.client.errors import BudgetExceeded
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, NodeConfiguration, ProviderModel
from metrics.models import GenerationMetric
from tests.api import caller

NODE = "description_cleaning"
STORED = pytest.mark.django_db(transaction=True)


def said(verb, *arguments):
    out = io.StringIO()
    call_command("llm_evaluate", verb, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def sixty(provider, simulator, make_animals):
    """Sixty listings whose wanted text is their own; gpt-4o-mini gets a third of them wrong."""
    ProviderModel.objects.get_or_create(provider=provider, model_id="gpt-4o")
    simulator.control(
        left_out=0, marked=False, errs={"gpt-4o-mini": {"share": 0.33}, "gpt-4o": {"share": 0}}
    )
    make_animals(60)
    lines = [f'{row.pk},"{row.description}"' for row in Animal.objects.all()]
    return "\n".join(["row_id,wanted", *lines])


@STORED
def test_a_planted_difference_is_found_and_none_where_none_was_planted(sixty, simulator, tmp_path):
    (tmp_path / "wanted.csv").write_text(sixty)
    made = said("set", "texts", NODE, "--csv", str(tmp_path / "wanted.csv"))
    assert made == {"name": "texts", "version": 1, "cases": 60, "wanted": 60}
    bad, again, good = (
        said("run", "texts", "--model", model)
        for model in ("sim/gpt-4o-mini", "sim/gpt-4o-mini", "sim/gpt-4o")
    )
    assert (good["status"], good["answered"], good["passed"]) == ("done", 60, 60)
    found = said("compare", bad["id"], good["id"])
    assert 10 <= found["differing"] <= 30
    by_name = {each["measure"]: each for each in found["differences"]}
    assert by_name[AGREES]["verdict"] == "second"
    assert by_name[AGREES]["second"] == 1
    assert by_name[AGREES]["low"] > 0
    told = quality_of_change(NODE, "sim/gpt-4o-mini", "sim/gpt-4o")
    assert told.startswith("over the set texts v1 (60 rows): ")
    first = round(100 * by_name[AGREES]["first"])
    assert f"agrees with the wanted answer {first} % → 100 % (+" in told
    turned = quality_of_change(NODE, "sim/gpt-4o", "sim/gpt-4o-mini")
    assert f"agrees with the wanted answer 100 % → {first} % (-" in turned
    assert "no two runs" in quality_of_change(NODE, "sim/gpt-4o", "sim/gpt-5")
    assert not quality_of_change(NODE, "sim/gpt-4o", "sim/gpt-4o-mini first, then sim/gpt-4o")
    same = said("compare", bad["id"], again["id"])
    assert same["differing"] == 0
    assert same["verdict"] == "No difference is shown: each interval holds 0."
    assert {each["verdict"] for each in same["differences"]} == {""}
    # Nothing was written to rows; each call is recorded, once.
    assert not Animal.objects.exclude(enriched_description=None).exists()
    assert GenerationMetric.objects.filter(service_name="evaluation").count() == 180
    assert simulator.stats()["paid"] == 180


@STORED
def test_sets_and_runs_are_listed(provider, make_animals):
    make_animals(2)
    assert said("list") == {"sets": []}
    sets.make_set("texts", NODE, CaseSource(limit=2), note="the first")
    assert said("list", "texts") == {"set": "texts", "runs": []}
    second = sets.make_set("texts", NODE, CaseSource(limit=1))
    run = runs.begin(second, RunOrder(model="sim/gpt-4o-mini", label="cheaper"), user=None)
    told = said("list")["sets"]
    shown = [(each["name"], each["version"], each["of"], each["runs"]) for each in told]
    assert shown == [("texts", 2, NODE, 1), ("texts", 1, NODE, 0)]
    assert [(each["cases"], each["note"]) for each in told] == [(1, ""), (2, "the first")]
    (only,) = said("list", "texts")["runs"]
    wanted = {"id": str(run.pk), "set_version": 2, "label": "cheaper", "status": "waiting"}
    assert wanted.items() <= only.items()
    out = io.StringIO()
    call_command("llm_evaluate", "list", "texts", stdout=out)
    assert out.getvalue().startswith(f"{run.pk}: waiting. 0 of 1 answered")
    assert "cheaper over texts v2" in out.getvalue()
    with pytest.raises(CommandError, match="there are texts v2, texts v1"):
        call_command("llm_evaluate", "list", "nothing")
    with pytest.raises(CommandError, match="--limit: 0 is below 1"):
        call_command("llm_evaluate", "list", "--limit", "0")


@STORED
def test_a_prompts_version_runs_over_what_rows_said_when_the_set_was_made(sixty, simulator):
    first = sets.make_set("texts", NODE, CaseSource(limit=5))
    Animal.objects.update(description="Something else.")
    second = sets.make_set("texts", NODE, CaseSource(limit=3), keep=True)
    assert (first.version, second.version) == (1, 2)
    assert first.cases.count() == 5 <= second.cases.count()
    Prompt.objects.create(enrichment=NODE, version=7, system="", user="Again: {{description}}")
    run = runs.begin(first, RunOrder(prompt_version=7), user=None)
    assert runs.carry_out(run.pk).status == "done"
    asked = run.answers.values_list("value", flat=True)
    assert all("likes to run" in each for each in asked)
    assert set(run.answers.values_list("prompt_version", flat=True)) == {7}
    with pytest.raises(BadSelection, match="two versions"):
        compare(run, EvaluationRun.objects.create(evaluation_set=second, node=NODE))


@STORED
def test_a_cap_that_cant_be_kept_stops_a_run_within_its_first_calls(sixty):
    made = sets.make_set("texts", NODE, CaseSource(limit=60))
    order = RunOrder(model="sim/gpt-4o", max_cost_usd=Decimal(5))
    run = runs.carry_out(runs.begin(made, order, user=None).pk)
    assert run.status == "stopped"
    assert "price is unknown" in run.status_reason
    assert 0 < run.answers.count() < 60


@STORED
@pytest.mark.parametrize("way", ["run", "trial"])
def test_what_was_paid_before_a_budget_was_used_up_is_kept(sixty, simulator, way):
    NodeConfiguration.objects.update(default_max_tokens=110)  # or one call's worst case is $0.04
    Budget.objects.create(name="all", scope="everything", period="day", hard_limit_usd="0.0015")
    snapshot.expire()
    if way == "run":
        made = sets.make_set("texts", NODE, CaseSource(limit=60))
        run = runs.begin(made, RunOrder(model="sim/gpt-4o-mini"), user=None)
        run = runs.carry_out(run.pk)
        assert run.status == "stopped"
        assert "budget" in run.status_reason
        assert run.answers.count() == simulator.stats()["paid"]
    else:
        with pytest.raises(BudgetExceeded):
            trial.try_rows(NODE, Selection(), rows=50)
    paid = simulator.stats()["paid"]
    assert 0 < paid < 50
    assert GenerationMetric.objects.exclude(cost_usd=None).filter(error_code="").count() == paid


@STORED
def test_what_makes_no_sense_is_refused_by_the_field(sixty):
    for source, field in (
        (CaseSource(file="id,text\n1,a"), "file"),
        (CaseSource(ids=["no key"]), "ids"),
    ):
        with pytest.raises(BadSelection) as refused:
            sets.make_set("texts", NODE, source)
        assert refused.value.field == field
    with pytest.raises(BadSelection, match="small letters"):
        sets.make_set("No Name", NODE, CaseSource())
    made = sets.make_set("texts", NODE, CaseSource(limit=2))
    for order, field in (
        (RunOrder(model="sim/nobody-knows", node="nowhere"), "model"),
        (RunOrder(prompt_version=99), "prompt_version"),
    ):
        with pytest.raises(BadSelection) as refused:
            runs.begin(made, order, user=None)
        assert refused.value.field == field
    with pytest.raises(CommandError, match="no such set"):
        said("run", "nothing")


@STORED
def test_the_api_makes_sets_and_starts_stops_and_compares_runs(sixty):
    operator, viewer = caller("operator"), caller("viewer")
    body = {"name": "texts", "processing_type": NODE, "csv": sixty}
    assert viewer.post("/api/llm/evaluations/sets", body, format="json").status_code == 403
    made = operator.post("/api/llm/evaluations/sets", body, format="json")
    assert made.status_code == 201, made.content
    assert (made.json()["cases"], made.json()["wanted"]) == (60, 60)
    ids = []
    for model in ("sim/gpt-4o-mini", "sim/gpt-4o"):
        begun = operator.post(
            "/api/llm/evaluations/runs", {"set": "texts", "model": model}, format="json"
        )
        assert begun.status_code == 202, begun.content
        ids.append(begun.json()["id"])
        runs.carry_out(EvaluationRun.objects.get(pk=ids[-1]).pk)
    address = f"/api/llm/evaluations/comparison?first={ids[0]}&second={ids[1]}"
    found = viewer.get(address)
    assert found.status_code == 200, found.content
    assert "The second is higher" in found.json()["verdict"]
    assert found.json()["cases"][0]["alike"] == 0
    shown = viewer.get(f"/api/llm/evaluations/runs/{ids[0]}").json()
    assert (shown["status"], shown["totals"]["answered"]) == ("done", 60)
    assert operator.post(f"/api/llm/evaluations/runs/{ids[0]}/stop").status_code == 409


@STORED
def test_the_admin_shows_sets_runs_and_two_runs_side_by_side(sixty, admin_client):
    made = sets.make_set("texts", NODE, CaseSource(file=sixty))
    first, second = (
        runs.carry_out(runs.begin(made, RunOrder(model=model), user=None).pk)
        for model in ("sim/gpt-4o-mini", "sim/gpt-4o")
    )
    listed = admin_client.get("/admin/enrichment/evaluationset/").content.decode()
    assert "texts v1" in listed
    page = admin_client.get(f"/admin/enrichment/evaluationrun/{second.pk}/change/").content.decode()
    address = f"/admin/enrichment/evaluationrun/comparison/?first={first.pk}&second={second.pk}"
    assert address.replace("&", "&amp;") in page
    shown = admin_client.get(address).content.decode()
    assert "The second is higher: agrees with the wanted answer." in shown
    assert shown.index("differs</span>") < shown.index("The intervals hold") + 5_000
    assert admin_client.get(address.replace(str(first.pk), "nobody")).status_code == 404


@STORED
def test_reviewers_decisions_and_rows_values_can_be_the_wanted_answers(sixty, make_animals):
    row = Animal.objects.first()
    Animal.objects.filter(pk=row.pk).update(enriched_description="As a person wrote it.")
    made = sets.make_set("texts", NODE, CaseSource(limit=60, wanted_by="row"))
    case = EvaluationCase.objects.get(evaluation_set=made)
    assert (case.row_id, case.wanted, case.wanted_by) == (
        str(row.pk), "As a person wrote it.", "row",
    )  # fmt: skip
    with pytest.raises(BadSelection, match="no row"):
        sets.make_set("reviewed", NODE, CaseSource(wanted_by="review"))


def compared(rng, *, better: float) -> set[str]:
    """Which measures two simulated runs over 150 cases are said to differ in."""
    pairs: dict[str, list[tuple[float, float]]] = {"agrees": [], "likeness": [], "passes": []}
    for _ in range(150):
        hard = rng.random()
        pairs["agrees"].append(
            (float(rng.gauss(0.7, 0.2) > hard), float(rng.gauss(0.7 + better, 0.2) > hard))
        )
        pairs["passes"].append((float(rng.random() < 0.9), float(rng.random() < 0.9)))
        likeness = (min(1.0, rng.betavariate(4, 1)), min(1.0, rng.betavariate(4, 1) + better))
        pairs["likeness"].append(likeness)
    return {each.measure for each in differences(pairs) if each.verdict}


def test_false_alarms_are_as_rare_as_the_intervals_promise_and_differences_are_found():
    rng = random.Random(7)
    tries = 200
    alarms = sum(bool(compared(rng, better=0.0)) for _ in range(tries))
    assert proportion_interval(alarms, tries)[0] <= 0.05
    found = sum({"agrees", "likeness"} <= compared(rng, better=0.2) for _ in range(20))
    assert found >= 17


def test_chrf_is_1_for_the_same_text_and_falls_with_what_differs():
    text = "The dog likes long walks and naps."
    assert chrf(text, text) == 1
    assert chrf("", text) == 0
    assert 0.6 < chrf("The dog likes long walks.", text) < 0.9
    assert chrf("Completely other words", text) < 0.3


@STORED
@pytest.mark.parametrize(
    "raw",
    [
        b"row_id;wanted\r\n%d;One; two\r\n".replace(b"One; two", b'"One; two"'),
        b"\xef\xbb\xbfrow_id\twanted\n%d\tOne; two\n",
        "wanted,row_id\n\nOne; two,%d\n".encode("utf-16").replace(b"%\0d\0", b"%d"),
    ],
    ids=["semicolons", "tabs and a mark", "UTF-16"],
)
def test_wanted_answers_come_as_spreadsheets_save_them(provider, make_animals, tmp_path, raw):
    (animal,) = make_animals(1)
    key = str(animal.pk).encode("utf-16-le" if raw.startswith(b"\xff\xfe") else "ascii")
    (tmp_path / "wanted.csv").write_bytes(raw.replace(b"%d", key))
    assert said("set", "one", NODE, "--csv", str(tmp_path / "wanted.csv"))["wanted"] == 1
    assert EvaluationCase.objects.get().wanted == "One; two"


@STORED
@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"", "is blank"),
        (b"row_id,wanted\n", "names no row"),
        (b"id,answer\n1,a\n", "must name the columns row_id and wanted"),
        (b"row_id,wanted,row_id\n1,a,2\n", "must name the columns row_id and wanted"),
        (b"row_id,wanted\n1,caf\xe9\n", "isn't UTF-8"),
        (b'row_id,wanted\n1,"open\n2,b\n', "line 3: a quotation mark is open"),
        (b"row_id,wanted\n1,a,b\n", "line 2 has 3 cells, the first line 2"),
        (b"row_id,wanted\n1,a\n1,b\n", "line 3: row 1 stands above already"),
    ],
)
def test_a_file_that_can_be_read_in_two_ways_is_refused_with_its_line(
    provider, tmp_path, raw, refusal
):
    (tmp_path / "wanted.csv").write_bytes(raw)
    with pytest.raises(CommandError, match=f"^--csv: .*{refusal}"):
        said("set", "one", NODE, "--csv", str(tmp_path / "wanted.csv"))
    with pytest.raises(CommandError, match="can't be read"):
        said("set", "one", NODE, "--csv", str(tmp_path / "none.csv"))
    assert not EvaluationSet.objects.exists()


@STORED
def test_as_many_rows_with_a_value_are_drawn_as_were_asked_for(provider, make_animals):
    make_animals(300)
    some = Animal.objects.order_by("pk")[:4].values("pk")
    Animal.objects.filter(pk__in=some).update(enriched_description="As it is now.")
    made = said("set", "now", NODE, "--rows", "3", "--wanted", "row")
    assert (made["cases"], made["wanted"]) == (3, 3)
