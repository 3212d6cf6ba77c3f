"""What past answers say a prompt should say is adopted by one click, and its effect is measured."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group, User

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.errors import ProposalOutdated
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, Prompt
from enrichment.prompts import prompt_proposals
from enrichment.prompts.selection import PromptsInForce
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Labels
from llmconfig.configuration import snapshot
from llmconfig.models import GlobalConfig, InteractionType
from llmconfig.roles import Role, ensure_roles
from metrics.errors import ProposalSettled
from metrics.feedback import record_decision
from metrics.models import GenerationMetric, PromptProposal
from metrics.patterns.mining import mine
from metrics.patterns.proposals import effect
from metrics.quality.parts import CheckResults, ScorePart
from metrics.recording import record_call
from tests.enrichment.saying import model_says
from tests.metrics.calls import a_record

pytestmark = pytest.mark.django_db(transaction=True)
NUMBERS = "State no number, age, weight or date that isn't in the text."


@pytest.fixture
def ada():
    ensure_roles()
    return User.objects.create_superuser("ada")


@pytest.fixture
def proposal(provider, make_animals, settings):
    """A batch whose answers state numbers out of nowhere, mined."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_FEATURE_PATTERN_WORDING": False}
    make_animals(8, description="Rex likes to run and play ball in the garden every day with us.")
    model_says(
        "description_cleaning",
        "Rex likes to run and play 4711 ball in the garden every day with us now and then too",
    )
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    mine()
    return PromptProposal.objects.get()


def test_a_batch_of_bad_answers_becomes_a_proposal_with_its_evidence(proposal):
    version = Prompt.objects.get().version
    assert (proposal.operation_type, proposal.prompt_version) == ("description_cleaning", version)
    assert f"- {NUMBERS}" in proposal.instruction.splitlines()
    assert proposal.worded_by == ""
    finding = next(each for each in proposal.findings if each["code"] == "unknown_numbers")
    assert (finding["answers"], finding["of"]) == (8, 8)
    call = GenerationMetric.objects.get(correlation_id=finding["examples"][0]["call"])
    assert call.prompt_version == version
    before = PromptProposal.objects.values_list("pk", "instruction", "findings_key")
    mine()
    assert list(PromptProposal.objects.values_list("pk", "instruction", "findings_key")) == list(
        before
    )


@pytest.mark.parametrize(("answers", "proposed"), [(4, False), (5, True)])
def test_fewer_than_five_answers_change_no_prompt(provider, make_animals, answers, proposed):
    make_animals(answers, description="Rex likes to run and play ball in the garden with us.")
    model_says("description_cleaning", "Rex likes to run and play 4711 ball in the garden with us")
    run_lane(creation.create("description_cleaning", Selection()).pk)
    mine()
    assert PromptProposal.objects.exists() is proposed


def test_it_is_seen_on_a_real_row_and_adopted_as_the_next_version(proposal, ada):
    shown = prompt_proposals.preview(proposal)
    assert NUMBERS in shown.after.system
    assert NUMBERS not in shown.before.system
    assert shown.row == str(Animal.objects.order_by("pk").first().pk)
    made = prompt_proposals.adopt(proposal.pk, user=ada)
    assert made.version == proposal.prompt_version + 1
    assert PromptsInForce(get("description_cleaning")).of(None).version == made.version
    assert Prompt.objects.filter(is_active=True).get() == made
    proposal.refresh_from_db()
    assert (proposal.state, proposal.adopted_version) == ("adopted", made.version)
    with pytest.raises(ProposalSettled):
        prompt_proposals.adopt(proposal.pk, user=ada)
    mine()
    assert not PromptProposal.objects.filter(state="open").exists()


def test_results_and_calls_name_the_adopted_version(proposal, ada, make_animals):
    made = prompt_proposals.adopt(proposal.pk, user=ada)
    make_animals(2)
    batch = creation.create("description_cleaning", Selection(limit=2))
    run_lane(batch.pk)
    assert set(
        EnrichmentResult.objects.filter(batch=batch).values_list("prompt_version", flat=True)
    ) == {made.version}
    calls = GenerationMetric.objects.filter(session_id=batch.pk)
    assert set(calls.values_list("prompt_version", flat=True)) == {made.version}


def test_a_prompt_that_changed_meanwhile_is_not_overwritten(proposal, ada):
    model_says("description_cleaning", "Something else")
    with pytest.raises(ProposalOutdated, match="no longer in use"):
        prompt_proposals.adopt(proposal.pk, user=ada)
    mine()
    assert not PromptProposal.objects.filter(pk=proposal.pk).exists()


def test_what_was_dismissed_does_not_come_back(proposal, ada):
    prompt_proposals.dismiss(proposal.pk, user=ada)
    mine()
    assert list(PromptProposal.objects.values_list("state", flat=True)) == ["dismissed"]


def told(number, version, *, passed, when, operation="description_cleaning"):
    for _ in range(number):
        labels = Labels("enrichment", operation, prompt_version=version)
        part = ScorePart("gates", float(passed), passed)
        record_call(
            a_record(labels=labels, created_at=when), Texts("p", "a"), CheckResults((part,))
        )


def test_the_effect_is_measured_against_the_version_before(proposal, ada):
    told(40, proposal.prompt_version, passed=False, when=proposal.created_at)
    prompt_proposals.adopt(proposal.pk, user=ada)
    proposal.refresh_from_db()
    assert effect(proposal).after is None
    told(40, proposal.adopted_version, passed=True, when=proposal.decided_at)
    found = effect(proposal)
    assert (found.before.passed.value, found.after.passed.value) == (0, 1)
    assert found.p_passed < 0.001
    assert found.p_accepted is None  # nobody judged any


def test_an_older_version_that_did_better_is_proposed_again(provider, make_animals, ada):
    old = model_says("description_cleaning", "Old")
    now = model_says("description_cleaning", "New")
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    told(40, old.version, passed=True, when=moment)
    told(40, now.version, passed=False, when=moment)
    mine()
    proposal = PromptProposal.objects.get()
    assert proposal.better_version == old.version
    made = prompt_proposals.adopt(proposal.pk, user=ada)
    assert (made.user, made.is_active) == (old.user, True)
    assert made.version > now.version


def test_chance_alone_proposes_no_version(provider):
    old = model_says("description_cleaning", "Old")
    now = model_says("description_cleaning", "New")
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    for version in (old.version, now.version):
        told(40, version, passed=True, when=moment)
        told(2, version, passed=False, when=moment)
    mine()
    assert not PromptProposal.objects.exists()


def test_what_reviewers_keep_correcting_is_proposed(provider):
    version = model_says("description_cleaning", "New").version
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    for text in ["Drop the {{phone}} number", "drop the phone number please"] * 3:
        labels = Labels("enrichment", "description_cleaning", prompt_version=version)
        record = a_record(labels=labels, created_at=moment)
        record_call(record, Texts("p", "a"))
        record_decision(
            record.correlation_id, near=moment, accepted=True, edited=True, feedback=text
        )
    mine()
    proposal = PromptProposal.objects.get()
    assert "{" not in proposal.instruction
    assert "phone" in proposal.instruction
    assert proposal.findings[0]["found_by"] == "reviewer"


def test_the_analytics_model_words_it_over_the_one_road(provider, make_animals, simulator):
    GlobalConfig.objects.update_or_create(
        interaction_type=InteractionType.ANALYTICS, defaults={"model": "sim/gpt-4o-mini"}
    )
    snapshot.expire()
    version = model_says("description_cleaning", "New").version
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    for _ in range(6):
        labels = Labels("enrichment", "description_cleaning", prompt_version=version)
        part = ScorePart("gates", 0.0, False, ("It runs on and on.",), ("too_long",))
        record_call(
            a_record(labels=labels, created_at=moment), Texts("p", "a"), CheckResults((part,))
        )
    mine()
    proposal = PromptProposal.objects.get()
    assert proposal.worded_by == "sim/gpt-4o-mini"
    assert 0 < len(proposal.instruction) <= 800
    call = GenerationMetric.objects.get(operation_type="pattern_wording")
    assert (call.node_type, call.service_name) == ("analytics", "metrics")
    mine()
    assert GenerationMetric.objects.filter(operation_type="pattern_wording").count() == 1


def test_the_page_shows_why_and_adopts_by_one_click(proposal, ada, client):
    client.force_login(ada)
    page = f"/admin/metrics/promptproposal/{proposal.pk}/change/"
    html = client.get(page).content.decode()
    assert "8 of 8" in html
    assert "State no number" in html
    assert "As it is sent for row" in html
    answer = client.post(f"/admin/metrics/promptproposal/{proposal.pk}/decide/adopt/", follow=True)
    assert "is now in use" in answer.content.decode()
    assert "too few answers yet" in client.get(page).content.decode()
    again = client.post(f"/admin/metrics/promptproposal/{proposal.pk}/decide/adopt/", follow=True)
    assert "is adopted already" in again.content.decode()


def test_a_viewer_adopts_nothing(proposal, client):
    ensure_roles()
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.groups.add(Group.objects.get(name=Role.VIEWER))
    client.force_login(viewer)
    page = client.get(f"/admin/metrics/promptproposal/{proposal.pk}/change/").content.decode()
    assert "8 of 8" in page
    assert "Adopt as a new version" not in page
    assert (
        client.post(f"/admin/metrics/promptproposal/{proposal.pk}/decide/adopt/").status_code == 403
    )
    assert (
        client.get(f"/admin/metrics/promptproposal/{proposal.pk}/decide/adopt/").status_code == 405
    )
