"""What a killed worker's machine still knows: how many rows of a chunk had really been sent."""

import uuid

import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine import claims, sent_log
from enrichment.models import BatchChunk

pytestmark = pytest.mark.django_db


@pytest.fixture
def abandoned(provider, make_animals):
    """A chunk whose worker died: 8 of its 20 rows were announced."""
    make_animals(20)
    batch = creation.create("description_cleaning", Selection())
    batch.status = "running"
    batch.save()
    token = uuid.uuid4()
    BatchChunk.objects.filter(batch=batch).update(
        status="leased", lease_token=token, leased_until="2020-01-01T00:00Z", started=8
    )
    return batch, token


def _repaid(batch):
    claims.claim(batch.pk, idle=True)
    return BatchChunk.objects.get(batch=batch).calls_repaid


def test_who_takes_over_on_the_same_machine_counts_what_was_really_sent(abandoned):
    batch, token = abandoned
    notes = sent_log.SentLog()
    notes.begin(token, 8)
    for position in (0, 1, 3):
        notes.sent(token, position)
    notes.close()
    assert _repaid(batch) == 3


def test_what_the_database_forgot_in_a_crash_is_counted_by_the_notes(abandoned):
    batch, token = abandoned
    BatchChunk.objects.filter(batch=batch).update(started=0)  # announced without waiting for a disk
    notes = sent_log.SentLog()
    notes.begin(token, 20)
    for position in (0, 1, 3):
        notes.sent(token, position)
    notes.close()
    assert _repaid(batch) == 3


def test_elsewhere_all_that_was_announced_counts_as_sent(abandoned):
    batch, _ = abandoned
    assert _repaid(batch) == 8


def test_notes_of_settled_chunks_are_dropped():
    token = uuid.uuid4()
    notes = sent_log.SentLog()
    notes.begin(token, 8)
    notes.sent(token, 5)
    assert sent_log.noted(token) == frozenset({5})
    notes.drop([token])
    assert sent_log.noted(token) is None


def test_a_machine_that_can_keep_no_notes_works_without(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(blocked))
    notes = sent_log.SentLog()
    token = uuid.uuid4()
    notes.begin(token, 8)
    notes.sent(token, 1)
    assert sent_log.noted(token) is None
