"""The admin tells which results are out of date, and why."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.staleness import Reason
from enrichment.engine.lanes import run_lane
from enrichment.listings.models import Animal
from enrichment.models import Prompt

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client


@pytest.fixture
def cleaned(provider, make_animals):
    """Three that are cleaned, and one more that came in since."""
    done = make_animals(3)
    run_lane(creation.create("description_cleaning", Selection()).pk)
    return [*done, *make_animals(1)]


def listed(client, state: str) -> set[int]:
    page = client.get(reverse("admin:listings_animal_changelist"), {"cleaned": state})
    return {row.pk for row in page.context["cl"].result_list}


def test_the_list_narrows_to_each_state(client, cleaned):
    changed, *rest, new = cleaned
    Animal.objects.filter(pk=changed.pk).update(description="She is calm by now.")
    found = {state: listed(client, state) for state in (*Reason, "yes", "no")}
    assert found == {
        **{state.value: set() for state in Reason},
        "fresh": {row.pk for row in rest},
        "input": {changed.pk},
        "never": {new.pk},
        "yes": {row.pk for row in cleaned[:3]},
        "no": {new.pk},
    }


def test_another_prompt_makes_all_that_were_made_by_the_old_one_stale(client, cleaned):
    Prompt.objects.create(
        enrichment="description_cleaning",
        version=1,
        system="Clean it.",
        user="{{description}}",
        is_active=True,
    )
    assert listed(client, "prompt") == {row.pk for row in cleaned[:3]}
    assert listed(client, "nonsense") == {row.pk for row in cleaned}


def test_a_listings_page_tells_the_state_of_each_enrichment(client, cleaned):
    address = reverse("admin:listings_animal_change", args=[cleaned[0].pk])
    states = dict(client.get(address).context["states"])
    assert "up to date" in states["Description cleaning"]
    assert "not enriched yet" in states["Tagging"]
    Animal.objects.filter(pk=cleaned[0].pk).update(
        description="She is calm by now.", translations={"es": "Es tranquila."}
    )
    states = dict(client.get(address).context["states"])
    assert "the row has changed" in states["Description cleaning"]
    assert "not enriched yet" in states["Translation: es"]
