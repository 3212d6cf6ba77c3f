"""A cascade that can't work is refused where it is saved: admin, API and nodes file."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.forms import model_to_dict

from enrichment.batches.cascades import terms_of
from enrichment.enrichments import get
from enrichment.judging import judge_of
from enrichment.models import JudgeCalibration
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, ProviderModel
from tests.api import caller

pytestmark = pytest.mark.django_db
NODE = "description_cleaning"
CHEAP, DEAR = "sim/gpt-4o-mini", "sim/gpt-4o"
RUBRIC = {"judge_rubric": "Short.", "judge_model": "sim/gpt-4.1-nano"}
# What is given, the field that is to blame, and the way out that its refusal names.
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "its own model": ({"cascade_model": DEAR}, "cascade_model", "name a cheaper one"),
    "no such model": (
        {"cascade_model": "sim/gpt-4o-mni"}, "cascade_model", f"Did you mean {CHEAP}",
    ),
    "no log-probabilities": (
        {"cascade_model": CHEAP, "cascade_score": "logprobs"},
        "cascade_score",
        f"Models that do: {DEAR}.",
    ),
    "no confidence": ({"cascade_model": CHEAP}, "cascade_score", "state no confidence: choose"),
    "no judge": (
        {"cascade_model": CHEAP, "cascade_score": "judge"}, "judge_rubric", "say in judge_rubric",
    ),
    "no calibrated judge": (
        {"cascade_model": CHEAP, "cascade_score": "judge", **RUBRIC},
        "cascade_score",
        f"`llm_evaluate judge {NODE}`",
    ),
    "no model that judges": (
        {"cascade_model": CHEAP, "cascade_score": "judge", "judge_rubric": "Short.",
         "judge_model": "sim/gpt-4.1-nan"},
        "judge_model",
        "Did you mean sim/gpt-4.1-nano",
    ),
    "no share": (
        {"cascade_model": CHEAP, "cascade_score": "gates", "cascade_target": 1.5},
        "cascade_target",
        "0.999",
    ),
}  # fmt: skip


@pytest.fixture
def node(provider: Any) -> NodeConfiguration:
    """A node of an enrichment whose answers state no confidence; one model tells likelihoods."""
    for model in ("gpt-4o-mini", "gpt-4o", "gpt-4.1-nano"):
        ProviderModel.objects.update_or_create(
            provider=provider, model_id=model, defaults={"supports_logprobs": model == "gpt-4o"}
        )
    NodeConfiguration.objects.filter(node_name=NODE).update(default_model=DEAR)
    snapshot.expire()
    return NodeConfiguration.objects.get(node_name=NODE)


def calibrate(kappa_low: float) -> None:
    judge = judge_of(get(NODE))
    assert judge is not None
    JudgeCalibration.objects.create(
        enrichment=NODE, judge=judge.key, wanted=40, status="done", kappa=kappa_low,
        kappa_low=kappa_low, kappa_high=1.0,
    )  # fmt: skip


def nodes_file(folder: Path, given: dict[str, Any], **more: Any) -> str:
    file = folder / "nodes.yaml"
    lines = [f"  {name}: {value}" for name, value in {**given, **more}.items()]
    file.write_text("\n".join([f"{NODE}:", *lines]) + "\n")
    return str(file)


@pytest.mark.parametrize("case", REFUSED)
def test_each_edge_names_the_field_and_the_way_out(node, admin_client, tmp_path, case):
    given, field, way_out = REFUSED[case]
    refused = caller("administrator").patch(f"/api/v1/llm/nodes/{NODE}", given, format="json")
    assert refused.status_code == 400, refused.content
    assert way_out in str(refused.json())
    assert field in str(refused.json())
    form = {**model_to_dict(node), "fallbacks": "", **given}
    form = {name: value for name, value in form.items() if value not in (None, False)}
    page = admin_client.post(f"/admin/llmconfig/nodeconfiguration/{node.pk}/change/", form)
    assert page.status_code == 200
    assert field in page.context["adminform"].form.errors
    assert way_out in str(page.context["adminform"].form.errors[field])
    if case == "no calibrated judge":
        return  # a file brings it to where it can be calibrated
    file = nodes_file(tmp_path, given, interaction_type="enricher", default_model=DEAR)
    with pytest.raises(CommandError, match=f"{NODE}.{field}") as told:
        call_command("sync_llm_config", "--file", file, "--strict", "--take", "yaml")
    assert way_out in str(told.value)
    node.refresh_from_db()
    assert node.cascade_model == ""


def test_a_judge_is_taken_once_it_agrees_with_reviewers(node):
    administrator, address = caller("administrator"), f"/api/v1/llm/nodes/{NODE}"
    assert administrator.patch(address, RUBRIC, format="json").status_code == 200
    snapshot.expire()
    calibrate(kappa_low=0.1)
    given = {"cascade_model": CHEAP, "cascade_score": "judge"}
    refused = administrator.patch(address, given, format="json")
    assert "the lower end of kappa is 0.10, and 0.4 is needed" in str(refused.json())
    calibrate(kappa_low=0.6)
    assert administrator.patch(address, given, format="json").status_code == 200
    other = {"judge_rubric": "Long."}  # another judge
    assert administrator.patch(address, other, format="json").status_code == 400
    untouched = administrator.patch(address, {"description": "Cleans texts."}, format="json")
    assert untouched.status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exists", [True, False])
def test_a_file_brings_a_cascade_that_stays_off_until_its_judge_is_calibrated(
    node, tmp_path, caplog, capsys, exists
):
    if not exists:
        NodeConfiguration.objects.all().delete()
        snapshot.expire()
    given = {"cascade_model": CHEAP, "cascade_score": "judge", **RUBRIC}
    file = nodes_file(tmp_path, given, interaction_type="enricher", default_model=DEAR)
    flags = ("sync_llm_config", "--file", file, "--strict", "--take", "yaml")
    note = f"{NODE}.cascade_score: Its judge may not decide before it is calibrated"
    call_command(*flags, "--dry-run")
    shown = capsys.readouterr().out
    for said in (note, "the node's own model answers everything", f"`llm_evaluate judge {NODE}`"):
        assert said in shown
    call_command(*flags)
    assert note in caplog.text
    snapshot.expire()
    terms = terms_of(get(NODE))
    assert terms is not None
    assert "isn't calibrated" in terms.rests  # so batches and calls ask the own model
    calibrate(kappa_low=0.6)
    terms = terms_of(get(NODE))
    assert terms is not None
    assert (terms.rests, terms.facts.score) == ("", "judge")
    caplog.clear()
    call_command(*flags)
    assert note not in caplog.text


def test_any_node_without_an_enrichment_may_go_by_what_its_callers_ask(node):
    given = {
        "node_name": "elsewhere", "default_model": DEAR, "cascade_model": CHEAP,
        "cascade_score": "confidence",
    }  # fmt: skip
    made = caller("administrator").post("/api/v1/llm/nodes", given, format="json")
    assert made.status_code == 201, made.content
