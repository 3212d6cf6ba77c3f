"""Another table than listings: UUID and text keys, no organizations, its own enrichment."""

import json
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from enrichment import enrichments, review
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.batches.undo import EDITED, undo
from enrichment.engine.lanes import run_lane
from enrichment.errors import BadSelection, FeatureOff
from enrichment.models import EnrichmentResult
from enrichment.single import enrich_row
from llmconfig.client.structured_output import SchemaUnusable
from llmconfig.configuration import process_settings, snapshot
from llmconfig.configuration.process_settings import ProcessSetting
from tests.api import caller
from tests.enrichment.saying import model_says
from tests.museum.enrichments import CoinLabels, ExhibitLabel
from tests.museum.models import Coin, Exhibit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exhibits(museum):
    return Exhibit.objects.bulk_create(
        Exhibit(title=f"Vase {number}", notes=f"A vase number {number} with a dragon on it.")
        for number in range(30)
    )


def labelled(**selection):
    batch = creation.create("exhibit_label", Selection(**selection))
    run_lane(batch.pk)
    batch.refresh_from_db()
    return batch


def test_a_batch_enriches_a_table_with_uuid_keys(exhibits):
    batch = labelled()
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", 30, 0)
    assert Exhibit.objects.filter(label_text__contains="vase number").count() == 30
    assert set(Exhibit.objects.values_list("llm_model_used", flat=True)) == {"gpt-4o-mini"}
    assert labelled().rows_total == 0
    Exhibit.objects.filter(pk=exhibits[4].pk).update(notes="Now it is broken.")
    assert labelled().rows_total == 1


@pytest.mark.parametrize(
    ("notes", "outcome"),
    [
        (None, ("applied", "")),
        (5, ("failed", "TypeError: values() gives int for notes; make it text")),
    ],
)
def test_a_value_that_is_null_is_blank_and_one_that_is_no_text_is_told_by_name(
    exhibits, monkeypatch, notes, outcome
):
    monkeypatch.setattr(
        ExhibitLabel, "values", lambda *_, **__: {"title": "A vase", "notes": notes}
    )
    labelled(ids=[str(exhibits[0].pk)])
    result = EnrichmentResult.objects.get()
    assert (result.state, outcome[1] in result.reason) == (outcome[0], True)
    EnrichmentResult.objects.update(state="suggested", value="A label")
    if notes is None:
        shown = review.with_rows(review.queue())
        assert [each.source for each in shown] == ["A vase\n"]


def test_a_text_column_that_is_never_null_is_undone_to_blank(exhibits):
    batch = labelled(ids=[str(each.pk) for each in exhibits[:3]])
    Exhibit.objects.filter(pk=exhibits[0].pk).update(label_text="By the curator.")
    report = undo(batch)
    assert (report.undone, [each.reason for each in report.left]) == (2, [EDITED])
    assert Exhibit.objects.get(pk=exhibits[1].pk).label_text == ""


def test_text_keys_with_several_languages(museum):
    odd = "no/7 'b\" ü"
    Coin.objects.bulk_create(Coin(inventory_number=key, notes="Gold.") for key in ("a-1", odd))
    batch = creation.create("coin_labels", Selection(variants=("de", "fr")))
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 4
    assert set(Coin.objects.get(pk=odd).label_texts) == {"de", "fr"}
    batch.refresh_from_db()
    assert undo(batch).undone == 4
    assert Coin.objects.get(pk=odd).label_texts is None


def test_a_key_that_the_table_cannot_hold_is_refused_by_name(exhibits):
    with pytest.raises(BadSelection, match=r"ids: 'x' is no key of museum\.Exhibit"):
        labelled(ids=["x"])
    with pytest.raises(BadSelection, match=r"organization: the rows of museum\.Exhibit have none"):
        labelled(organization="rescue")


def test_one_row_by_function_and_by_api(exhibits):
    assert enrich_row("exhibit_label", exhibits[0].pk).state == "applied"
    operator = caller("operator")
    body = {"processing_type": "exhibit_label", "row_id": str(exhibits[1].pk)}
    assert operator.post("/api/llm/enrich", body, format="json").status_code == 200
    assert Exhibit.objects.exclude(label_text="").count() == 2
    for changed, status in (
        ({"row_id": str(uuid4())}, 404),
        ({"row_id": "7"}, 400),
        ({"animal_id": 7}, 400),
    ):
        answer = operator.post("/api/llm/enrich", body | changed, format="json")
        assert answer.status_code == status, answer.json()


def test_a_batch_by_api_takes_any_keys(exhibits):
    body = {"processing_type": "exhibit_label", "row_ids": [str(exhibits[0].pk)]}
    made = caller("operator").post("/api/llm/batches", body, format="json")
    assert (made.status_code, made.json()["rows_total"]) == (202, 1)


def test_suggestions_are_reviewed_like_any_other(exhibits, admin_user):
    Exhibit.objects.filter(pk=exhibits[0].pk).update(notes="Old.")
    result_id = run_with_invented_number(exhibits[0])
    client = Client()
    client.force_login(admin_user)
    assert b"Exhibit label" in client.get(reverse("admin:enrichment_review")).content
    review.accept(result_id, user=admin_user)
    assert "1999" in Exhibit.objects.get(pk=exhibits[0].pk).label_text


def run_with_invented_number(exhibit):
    model_says("exhibit_label", "A vase of the year 1999 that nobody has ever seen before")
    labelled(ids=[str(exhibit.pk)])
    return EnrichmentResult.objects.get(state="suggested").pk


def test_the_command_line_sees_it_too(exhibits, capsys):
    labelled()
    call_command("llm_batch", "list", "--json")
    assert json.loads(capsys.readouterr().out)[0]["total"] == 30


class DatedCoins(CoinLabels):
    """A museum's own switch and limit: nothing of ours names them."""

    name = "dated_coins"
    feature = "LLM_FEATURE_COIN_DATES"
    settings = (ProcessSetting("LLM_COIN_MAX_YEAR", 1900, "The youngest coin.", least=1),)


def test_an_enrichment_brings_its_switch_and_its_limits(
    museum, monkeypatch, settings, admin_client
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT}
    monkeypatch.setenv("LLM_FEATURE_COIN_DATES", "off")
    monkeypatch.setenv("LLM_COIN_MAX_YEAR", "1750")
    enrichments.register(DatedCoins())
    try:
        with pytest.raises(FeatureOff, match="LLM_FEATURE_COIN_DATES"):
            creation.create("dated_coins", Selection(variants=("de",)))
        assert snapshot.current().setting("LLM_COIN_MAX_YEAR") == 1750
        page = admin_client.get(reverse("admin:llmconfig_llmconfig_change", args=[1])).content
        assert b"LLM_COIN_MAX_YEAR" in page
        assert b"The youngest coin." in page
    finally:
        enrichments.unregister("dated_coins")
    assert not process_settings.is_known("LLM_COIN_MAX_YEAR")


def test_a_setting_that_is_none_stops_the_start_by_its_name(museum, monkeypatch):
    monkeypatch.setenv("LLM_COIN_MAX_YEAR", "soon")
    with pytest.raises(ImproperlyConfigured, match="LLM_COIN_MAX_YEAR: 'soon' is not a number"):
        enrichments.register(DatedCoins())
    process_settings.unregister("LLM_COIN_MAX_YEAR", "LLM_FEATURE_COIN_DATES")


def test_an_enrichment_whose_schema_cannot_be_used_is_refused_at_once():
    class Wrong(ExhibitLabel):
        name = "wrong"
        schema = {"type": "array", "minItems": 2, "maxItems": 1}

    with pytest.raises(SchemaUnusable, match=r"'wrong': .*minItems 2 is above maxItems 1"):
        enrichments.register(Wrong())
    assert "wrong" not in enrichments.names()


class LimitedLabel(ExhibitLabel):
    """Reads its own limit where answers are judged, on the event loop."""

    name = "limited_label"
    feature = "LLM_FEATURE_LIMITED_LABEL"
    settings = (ProcessSetting("LLM_LABEL_MAX_LENGTH", 4000, "The longest label.", least=1),)

    def accept(self, answer, values):
        assert len(answer.text) <= self.setting("LLM_LABEL_MAX_LENGTH")
        return super().accept(answer, values)


def test_an_enrichment_reads_its_limit_while_answers_come_slowly(exhibits, simulator):
    enrichments.register(LimitedLabel())
    simulator.control(latency_ms=1500)  # by then the snapshot would be asked anew
    try:
        batch = creation.create("limited_label", Selection(ids=[exhibits[0].pk]))
        run_lane(batch.pk)
        assert progress_of(batch.pk).done == 1
        assert EnrichmentResult.objects.get(batch=batch).state == "applied"
    finally:
        enrichments.unregister("limited_label")
