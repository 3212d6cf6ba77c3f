"""How often a confidence was right, from reviewers' decisions, and the threshold that follows."""

import random
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from enrichment import review
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.calibration import calibrations, proposed_floor
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.models import EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, Revision
from llmconfig.roles import ensure_roles
from tests.api import caller
from tests.enrichment.saying import TRAITS

database = pytest.mark.django_db(transaction=True)


def parts(seed, *, count, right):
    """Parts with a confidence from 0.4 to 1, right as often as `right` says of it."""
    rng = random.Random(seed)
    drawn = [rng.uniform(0.4, 1) for _ in range(count)]
    return [(sure, rng.random() < right(sure)) for sure in drawn]


def test_a_proposed_threshold_holds_the_precision_in_nineteen_of_twenty_samples():
    missed, found = 0, []
    for seed in range(40):
        floor = proposed_floor(parts(seed, count=1_500, right=lambda sure: sure), 0.8)
        if floor is not None:
            found.append(floor)
            missed += (1 + floor) / 2 < 0.8  # what is true: as often as it says
    assert len(found) > 33
    assert missed <= 2
    assert sorted(found)[len(found) // 2] <= 0.7


@pytest.mark.parametrize(
    ("sample", "precision", "floor"),
    [
        ([], 0.9, None),
        ([(0.99, True)] * 20, 0.9, None),  # too few to know
        ([(0.99, True)] * 120, 0.95, 0.5),
        ([(0.99, True)] * 200 + [(0.7, False)] * 50, 0.95, 0.75),
        (parts(1, count=900, right=lambda _: 0.6), 0.8, None),  # overconfident throughout
        (parts(1, count=900, right=lambda _: 0.6), 0.5, 0.5),
    ],
)
def test_a_threshold_is_proposed_only_where_decisions_show_it(sample, precision, floor):
    assert proposed_floor(sample, precision) == floor


@pytest.fixture
def ada():
    ensure_roles()
    return User.objects.create_superuser("ada")


@pytest.fixture
def partly(provider, make_animals):
    """Tags of which some were sure enough and others not, of forty rows."""
    NodeConfiguration.objects.create(
        node_name="tagging", interaction_type="tagger", default_model="sim/gpt-4o-mini"
    )
    LLMConfig.objects.filter(pk=1).update(min_confidence_tagging=0.75)
    snapshot.expire()
    make_animals(40, description=TRAITS)
    run_lane(creation.create("tagging", Selection()).pk)
    doubted = EnrichmentResult.objects.filter(suggestion__isnull=False, state="applied")
    return [
        each for each in doubted.order_by("pk") if len(get("tagging").rated(each.suggestion)) > 1
    ]


@database
def test_decisions_say_which_parts_were_right(partly):
    tagging = get("tagging")
    accepted, edited, rejected = partly[:3]
    rated = {each.pk: tagging.rated(each.suggestion) for each in partly[:3]}
    assert all(len(each) > 1 for each in rated.values())
    first = next(iter(rated[edited.pk]))
    sure = tagging.rated(rejected.value)

    review.accept(accepted.pk, user=None)
    left = [each for each in edited.suggestion if each["tag"] != first]
    review.edit(edited.pk, left, user=None)
    review.reject(rejected.pk, user=None)

    found = {each.pk: each.decided_parts for each in EnrichmentResult.objects.all()}
    assert found[accepted.pk] == [[sure, True] for sure in rated[accepted.pk].values()]
    assert found[edited.pk] == [[sure, name != first] for name, sure in rated[edited.pk].items()]
    doubtful = [sure_ for name, sure_ in rated[rejected.pk].items() if name not in sure]
    assert found[rejected.pk] == [[each, False] for each in doubtful]
    (seen,) = calibrations(tagging, precision=0.9)
    assert (seen.model, seen.source) == ("gpt-4o-mini", "self_reported")
    assert seen.parts == sum(map(len, filter(None, found.values())))
    assert seen.floor is None
    listed = caller("viewer").get("/api/llm/calibration", {"processing_type": "tagging"}).json()
    assert sum(band["right"] for band in listed[0]["bands"]) == sum(b.right for b in seen.bands)


@database
def test_a_threshold_is_set_at_a_click_as_one_revision_and_by_administrators_alone(
    partly, ada, settings
):
    settings.LANGUAGE_CODE = "de"  # where 0.95 is written 0,95
    EnrichmentResult.objects.filter(pk=partly[0].pk).update(
        decided_parts=[[0.97, True]] * 200 + [[0.82, False]] * 50
    )
    client, page = Client(), reverse("admin:enrichment_calibration")
    client.force_login(ada)
    shown = client.get(page, {"precision": "0.95"}).content.decode()
    assert "Ab 0,85 anwenden" in shown
    (precision,) = re.findall(r'type="hidden"\s+name="precision"\s+value="([^"]*)"', shown)
    assert f'<option value="{precision}" selected' in shown
    form = {
        "precision": precision,
        "enrichment": "tagging",
        "model": "gpt-4o-mini",
        "source": "self_reported",
    }
    answer = client.post(page, form, follow=True).content.decode()
    assert "Teile unter 0,85 warten ab jetzt auf einen Menschen" in answer
    assert LLMConfig.objects.get(pk=1).min_confidence_tagging == 0.85
    changes = Revision.objects.filter(source="admin", message__contains="precision of 0.95")
    assert changes.count() == 1
    refused = client.post(page, {**form, "model": "another"}, follow=True).content.decode()
    assert "lassen keine solche Schwelle" in refused
    ada.is_superuser = False
    ada.save()
    assert client.post(page, form).status_code == 403


@database
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "processing_type"),
        ({"processing_type": "tagging", "precision": "2"}, "precision"),
        ({"processing_type": "none"}, "processing_type"),
    ],
)
def test_a_calibration_names_what_is_wrong_with_its_query(query, field):
    answer = caller("viewer").get("/api/llm/calibration", query)
    assert answer.status_code in {400, 404}
    assert field in answer.content.decode() or answer.status_code == 404
