"""Who has to find an answer good before it is written: the gates, a judge, or a reviewer."""

import pytest

from enrichment.batches.creation import Selection
from enrichment.engine.applying import ALL_REVIEWED, NOT_JUDGED_YET
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult
from enrichment.review_many import QueueFilters, decide_all
from enrichment.single import enrich_row
from enrichment.trial import try_rows
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration
from project.embedded.demo.report import waiting
from tests.enrichment.saying import model_says

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "Este perro se llama Dog 0 y le gusta correr y jugar a la pelota."


@pytest.fixture
def row(provider, make_animals, simulator):
    simulator.control(left_out=0, marked=False)
    model_says("translation", TEXT)
    return make_animals(1)[0]


def after(node, who):
    NodeConfiguration.objects.filter(node_name=node).update(apply_after=who)
    snapshot.expire()


def test_a_translation_that_no_judge_has_seen_waits_though_the_gates_pass_it(row):
    after("translation", "")
    found = enrich_row("translation", row.pk, variant="es")
    assert (found.state, found.value) == ("suggested", TEXT)
    assert "no judge was asked" in found.reason
    assert not Animal.objects.get().translations
    kept = EnrichmentResult.objects.get()
    assert [each["code"] for each in kept.findings] == [NOT_JUDGED_YET]


def test_what_waits_for_nothing_else_is_accepted_by_its_code(row):
    after("translation", "")
    enrich_row("translation", row.pk, variant="es")
    decided = decide_all(QueueFilters(code=NOT_JUDGED_YET), "accept", user=None)
    assert (len(decided.done), decided.refused) == (1, [])
    assert Animal.objects.get().translations == {"es": TEXT}


def test_what_a_gate_holds_has_the_gates_code_alone(row):
    after("translation", "")
    model_says("translation", f"Here is the translation: {TEXT} Pesa 99 kg.")
    enrich_row("translation", row.pk, variant="es")
    codes = {each["code"] for each in EnrichmentResult.objects.get().findings}
    assert codes
    assert NOT_JUDGED_YET not in codes


def test_a_node_may_apply_translations_after_the_gates(row):
    after("translation", "gates")
    assert enrich_row("translation", row.pk, variant="es").state == "applied"


def test_a_node_may_have_every_answer_reviewed(provider, make_animals, simulator):
    simulator.control(left_out=0, marked=False)
    row = make_animals(1)[0]
    after("description_cleaning", "review")
    model_says("description_cleaning", row.description)
    found = enrich_row("description_cleaning", row.pk)
    assert (found.state, found.value) == ("suggested", row.description)
    assert ALL_REVIEWED in str(EnrichmentResult.objects.get().findings)


def test_a_trial_says_what_would_wait(row):
    after("translation", "")
    (tried,) = try_rows("translation", Selection(variants=("es",)))
    assert tried.state == "suggested"
    assert "no judge was asked" in tried.reason


def test_the_demo_says_what_waits_and_why(row):
    after("translation", "")
    assert "Nothing waits" in str(waiting([row.pk]))
    enrich_row("translation", row.pk, variant="es")
    said = str(waiting([row.pk]))
    assert "Translation 1 of 1 listings" in said
    assert "no judge was asked (1)" in said
