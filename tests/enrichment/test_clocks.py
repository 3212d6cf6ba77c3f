"""A worker whose clock stands at 1970 or 2042 works: the database's clock dates what is stored."""

import datetime as dt
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine import answer_spool, submissions
from enrichment.engine.lanes import run_lane
from enrichment.models import ProviderBatchSubmission, SubmissionState
from llmconfig.client.http import background_loop
from llmconfig.client.traffic.budget_ledger import period_start
from llmconfig.gateway import access
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import replace
from metrics import partitions, retention
from metrics.models import GenerationHistory, GenerationMetric
from tests.enrichment.provider_batches import AT_PROVIDER, HELD_MS, until_completed
from tests.enrichment.test_full_disk import an_answer
from tests.llmconfig.gateway_server import new_key
from tests.metrics.calls import a_record

pytestmark = pytest.mark.django_db(transaction=True)


WRONG = ("1970-01-02T00:00Z", "2042-01-01T00:00Z")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_batch_by_a_wrong_clock_is_recorded_by_the_databases(
    provider, simulator, make_animals, wrong, caplog
):
    make_animals(12)
    with time_machine.travel(wrong, tick=True):
        batch = creation.create("description_cleaning", Selection())
        run_lane(batch.pk)
        at = progress_of(batch.pk)
        ready = Client().get("/readyz").json()
    assert (at.status, at.done, at.failed) == ("completed", 12, 0)
    assert 0 <= at.seconds < 60
    assert simulator.stats()["paid"] == GenerationMetric.objects.count() == 12
    long_ago = timezone.now() - dt.timedelta(minutes=2)
    for model in (GenerationMetric, GenerationHistory):
        assert model.objects.filter(created_at__gt=long_ago).count() == 12
    # By the price in force since yesterday.
    assert not GenerationMetric.objects.filter(cost_usd=None).exists()
    batch.refresh_from_db()
    assert batch.created_at > long_ago
    assert ready["warnings"] == ["clock_differs"]
    assert "clock is" in caplog.text


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_clock_drops_no_month_and_no_kept_answer_and_opens_no_other_days_budget(
    wrong, tmp_path, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_METRICS_KEEP_MONTHS": 3}
    settings.LLM_SPOOL_DIR = str(tmp_path)
    token = uuid4()
    answer_spool.AnswerSpool().keep(token, an_answer("1"))
    days = {period: period_start(period) for period in ("day", "month")}
    due, ahead = months_to_drop(), partitions.all_months_ahead()
    with time_machine.travel(wrong, tick=True):
        connection.close()  # as in a process that starts by this clock
        assert months_to_drop() == due
        assert partitions.all_months_ahead() == ahead
        assert {period: period_start(period) for period in days} == days
        answer_spool.AnswerSpool()  # which looks for what nobody wants any more
    assert [each.row_id for each in answer_spool.kept(token)] == ["1"]


def test_an_answer_that_one_clock_kept_is_dated_right_by_another(tmp_path, settings):
    """A worker of 1970 dies, and one of 2042 writes what it was answered."""
    settings.LLM_SPOOL_DIR = str(tmp_path)
    token = uuid4()
    years: list[dt.datetime] = []
    for wrong in WRONG:
        with time_machine.travel(wrong, tick=True):
            connection.close()
            connection.ensure_connection()
            if not years:
                dated = replace(a_record(), created_at=dt.datetime.now(dt.UTC))
                answer_spool.AnswerSpool().keep(token, replace(an_answer("1"), record=dated))
            (kept,) = answer_spool.kept(token)
            years.append(database_clock.corrected(kept.record.created_at))
    assert all(abs(each - timezone.now()) < dt.timedelta(minutes=2) for each in years), years


def months_to_drop():
    with connection.cursor() as cursor:
        return retention.expired(cursor)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("hours", "accepted"), [(1, True), (-1, False)])
def test_a_wrong_clock_neither_ends_keys_nor_lets_expired_ones_in(wrong, hours, accepted):
    key = new_key(expires_at=timezone.now() + dt.timedelta(hours=hours))
    headers = [(b"authorization", f"Bearer {key}".encode())]
    with time_machine.travel(wrong, tick=True):
        connection.close()
        connection.ensure_connection()
        access.expire()
        try:
            background_loop.run(access.authenticate(headers, dict(headers), "127.0.0.1"))
        except RequestRefused:
            assert not accepted
        else:
            assert accepted


def test_a_clock_that_is_ahead_ends_no_batch_at_a_provider(vendor, simulator, make_animals):
    make_animals(3)
    simulator.control(batch_ms=HELD_MS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    submissions.advance()
    with time_machine.travel("2042-01-01T00:00Z", tick=True):
        connection.close()
        submissions.advance()
    assert ProviderBatchSubmission.objects.get().state != SubmissionState.FAILED
    simulator.control(batch_ms=50)
    until_completed(batch)
    assert progress_of(batch.pk).calls == simulator.stats()["paid"] == 3


@pytest.fixture(autouse=True)
def right_clock_again():
    yield
    connection.close()
    connection.ensure_connection()
