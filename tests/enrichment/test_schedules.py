"""Planned batches: once or again and again, started by the timer when they are due."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from enrichment.batches import schedules
from enrichment.batches.creation import Selection, Terms
from enrichment.engine.lanes import run_lane
from enrichment.errors import BadSelection
from enrichment.listings.models import Animal
from enrichment.models import Batch, BatchSchedule
from enrichment.tasks import start_planned_batches
from nodewise.schedule import SCHEDULE

pytestmark = pytest.mark.django_db(transaction=True)

NOW_AND = dt.timedelta(seconds=1)


def planned(recurrence: str = "daily", **fields: Any) -> BatchSchedule:
    """Due since a moment."""
    selection = Selection(**fields.pop("selection", {}))
    at = fields.pop("at", timezone.now() - NOW_AND)
    return schedules.plan(
        "description_cleaning", selection, Terms(**fields), at=at, recurrence=recurrence
    )


@pytest.mark.parametrize(
    ("recurrence", "late", "next_in", "enabled"),
    [
        ("once", dt.timedelta(0), None, False),
        ("hourly", dt.timedelta(0), dt.timedelta(hours=1), True),
        ("daily", dt.timedelta(0), dt.timedelta(days=1), True),
        ("weekly", dt.timedelta(0), dt.timedelta(weeks=1), True),
        ("daily", dt.timedelta(days=3, hours=2), dt.timedelta(hours=22), True),
    ],
)
def test_it_starts_once_when_it_is_due_and_moves_on(
    provider, make_animals, recurrence, late, next_in, enabled
):
    make_animals(3)
    schedule = planned(recurrence, at=timezone.now() - NOW_AND - late)
    (batch,) = schedules.start_due()
    assert (batch.rows_total, schedules.start_due()) == (3, [])
    schedule.refresh_from_db()
    assert (schedule.last_batch, schedule.is_enabled) == (batch, enabled)
    if next_in is not None:
        assert abs(schedule.next_at - timezone.now() - next_in) < dt.timedelta(minutes=1)


def test_nothing_starts_before_its_time_or_while_it_is_off(provider, make_animals):
    make_animals(1)
    planned(at=timezone.now() + dt.timedelta(hours=1))
    off = planned()
    BatchSchedule.objects.filter(pk=off.pk).update(is_enabled=False)
    assert schedules.start_due() == []


def test_its_batch_has_the_terms_and_rows_that_were_planned(provider, make_animals):
    animals = make_animals(5)
    user = User.objects.create_user("pia")
    ids = [str(each.pk) for each in animals[:2]]
    schedule = planned(
        selection={"ids": ids, "force": True}, max_cost_usd=Decimal("1.5"), priority=4
    )
    BatchSchedule.objects.filter(pk=schedule.pk).update(created_by=user)
    (batch,) = schedules.start_due()
    assert (batch.rows_total, batch.force, batch.created_by) == (2, True, user)
    assert (batch.max_cost_usd, batch.priority) == (Decimal("1.5"), 4)


def test_each_time_it_takes_what_needs_work_then(provider, simulator, make_animals):
    make_animals(2)
    schedule = planned()
    (first,) = schedules.start_due()
    run_lane(first.pk)
    make_animals(3)
    BatchSchedule.objects.filter(pk=schedule.pk).update(next_at=timezone.now() - NOW_AND)
    (second,) = schedules.start_due()
    assert (first.rows_total, second.rows_total) == (2, 3)
    assert Animal.objects.count() == 5


def test_one_that_can_not_start_says_why_and_stays_planned(provider, make_animals):
    make_animals(1)
    schedule = planned()
    BatchSchedule.objects.filter(pk=schedule.pk).update(enrichment="gone")
    assert schedules.start_due() == []
    schedule.refresh_from_db()
    assert "'gone' is no enrichment" in schedule.last_error
    assert schedule.is_enabled
    assert schedule.next_at > timezone.now()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"recurrence": "yearly"}, "recurrence"),
        ({"priority": 1000}, "priority"),
        ({"selection": {"organization": "nobody"}}, "organization"),
        ({"selection": {"variants": ("es",)}}, "target_language"),
    ],
)
def test_what_could_never_start_is_refused_when_it_is_planned(provider, make_animals, given, field):
    make_animals(1)
    with pytest.raises(BadSelection) as caught:
        planned(**given)
    assert caught.value.field == field
    assert not BatchSchedule.objects.exists()


def test_it_is_planned_shown_and_paused_in_the_admin(provider, make_animals, client):
    make_animals(2)
    client.force_login(User.objects.create_superuser("ada"))
    form = {"enrichment": "description_cleaning", "stale": ["never"], "transport": "live"}
    at = timezone.now() + dt.timedelta(hours=2)
    answer = client.post(
        reverse("admin:enrichment_batch_add"),
        {**form, "do": "start", "recurrence": "weekly", "at": f"{at:%Y-%m-%dT%H:%M}"},
        follow=True,
    )
    text = answer.content.decode()
    assert "description_cleaning, every week" in text
    assert not Batch.objects.exists()
    schedule = BatchSchedule.objects.get()
    assert abs(schedule.next_at - at) < dt.timedelta(minutes=1)
    page = reverse("admin:enrichment_batchschedule_change", args=[schedule.pk])
    assert client.get(page).status_code == 200
    refused = client.post(
        reverse("admin:enrichment_batch_add"), {**form, "do": "start", "at": "2020-01-01T00:00"}
    )
    assert "This is in the past." in refused.content.decode()
    client.post(
        page, {"recurrence": "daily", "next_at_0": f"{at:%Y-%m-%d}", "next_at_1": f"{at:%H:%M:%S}"}
    )
    schedule.refresh_from_db()
    assert (schedule.recurrence, schedule.is_enabled) == ("daily", False)


def test_the_timer_that_starts_them_is_in_the_schedule():
    tasks = {each["task"] for each in SCHEDULE.values()}
    assert start_planned_batches.name in tasks
