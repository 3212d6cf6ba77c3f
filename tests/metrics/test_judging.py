"""What people think of answers: by page and API, read by quality, noted by those who may."""

import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from metrics.analyzers.quality import Grouping, quality
from metrics.models import GenerationHistory
from metrics.quality.parts import score
from metrics.quality.stored import stored_parts
from tests.api import caller
from tests.metrics.test_admin import make_call
from tests.metrics.test_calls_page import make_texts, signed_in

pytestmark = pytest.mark.django_db

GATES = {"check": "gates", "score": 1.0, "passed": True, "notes": [], "codes": []}


@pytest.fixture
def call():
    call = make_call()
    make_texts(call, quality_score=1.0, quality_parts=[GATES], validation_passed=True)
    return call


def page_of(call):
    return reverse("admin:metrics_generationmetric_change", args=[call.pk])


def judged(client, call, **said):
    form = client.get(page_of(call)).context["judging"]
    return client.post(form["address"], {"back": form["back"], **said}, follow=True)


def how_good():
    now = timezone.now()
    (found,) = quality(since=now - dt.timedelta(hours=1), until=now, by=Grouping.NODE)
    return found


def test_a_persons_judgement_stands_on_the_page_and_in_quality(call):
    client = signed_in("ada", is_superuser=True)
    answer = judged(client, call, thumb="down", score="0.25", note="Too short.")
    text = answer.content.decode()
    assert "Your rating is saved." in text
    assert 'value="Too short."' in text
    assert "A person" in text
    row = GenerationHistory.objects.get()
    assert (row.user_accepted, row.user_feedback, row.quality_score) == (False, "Too short.", 0.25)
    found = how_good()
    assert (found.accepted.hits, found.accepted.number, found.average_score) == (0, 1, 0.25)
    judged(client, call)  # taken back: what the checks said holds again
    row.refresh_from_db()
    assert (row.user_accepted, row.user_feedback, row.quality_score) == (None, None, 1.0)


def test_a_check_that_runs_later_leaves_a_persons_score(call):
    caller("operator").post(f"/api/v1/llm/metrics/calls/{call.correlation_id}/judgement",
                            {"score": 0.5}, format="json")  # fmt: skip
    row = GenerationHistory.objects.get()
    merged = score(stored_parts(row), {"gates": 100.0})
    assert merged == row.quality_score == 0.5


def test_a_judgement_that_can_not_be_is_refused_by_name(call):
    client = signed_in("ada", is_superuser=True)
    for wrong in ("2", "much", "nan"):
        assert "score: enter a number" in judged(client, call, score=wrong).content.decode()
    operator, address = caller("operator"), "/api/v1/llm/metrics/calls/{}/judgement".format
    assert (
        operator.post(address(call.correlation_id), {"score": 2}, format="json").status_code == 400
    )
    assert (
        operator.post(address(call.correlation_id), {"score": "nan"}, format="json").status_code
        == 400
    )
    assert operator.post(address(uuid.uuid4()), {}, format="json").status_code == 404
    assert GenerationHistory.objects.get().quality_score == 1.0


def test_viewers_judge_nothing_and_notes_are_for_readers(call):
    judged(signed_in("ada", is_superuser=True), call, note="a secret")
    viewer, operator = signed_in("v", "viewer"), signed_in("o", "operator")
    form = operator.get(page_of(call))
    assert "a secret" not in form.content.decode()
    assert "judging" not in viewer.get(page_of(call)).context
    assert viewer.post(form.context["judging"]["address"], {"thumb": "up"}).status_code == 403
    api = f"/api/v1/llm/metrics/calls/{call.correlation_id}/judgement"
    assert caller("viewer").post(api, {"thumb": "up"}, format="json").status_code == 403
    judged(operator, call, thumb="up")
    row = GenerationHistory.objects.get()
    assert (row.user_accepted, row.user_feedback) == (True, "a secret")
