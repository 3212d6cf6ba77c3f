"""A batch that makes no progress says why, after five seconds: terminal, page and API."""

import os
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse

from enrichment.batches import creation, lifecycle, silence
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, BatchChunk
from llmconfig.configuration import snapshot
from llmconfig.models import Provider
from project.embedded.ports import free_port
from tests.api import caller
from tests.loopback import answered, loopback

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = "2020-01-01T00:00Z"


@pytest.fixture
def nobody_listens(provider):
    port = free_port()
    Provider.objects.filter(pk=provider.pk).update(api_base_url=f"http://127.0.0.1:{port}/v1")
    snapshot.expire()
    return port


class Reader(StringIO):
    """Somebody at a terminal who does what the command offers."""

    def __init__(self, terminal: int) -> None:
        super().__init__()
        self.terminal = terminal

    def write(self, said: str) -> int:
        if "Type s and Enter to pause" in said:
            os.write(self.terminal, b"s\n")
        return super().write(said)


def test_a_command_says_that_nobody_listens_and_offers_to_stop(
    nobody_listens, make_animals, monkeypatch, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 60.0}
    make_animals(3)
    ours, theirs = os.openpty()
    terminal = os.fdopen(theirs)
    monkeypatch.setattr("sys.stdin", terminal)
    reader = Reader(ours)
    with pytest.raises(CommandError, match="is paused"):
        call_command("enrich_descriptions", "--inline", stderr=reader)
    terminal.close()
    os.close(ours)
    said = reader.getvalue()
    assert f"127.0.0.1:{nobody_listens}" in said
    assert "Nobody answers at the address of sim" in said
    assert Batch.objects.get().status == "paused"


def test_a_lane_notes_what_its_calls_wait_for_and_takes_it_back(
    provider, simulator, make_animals, admin_client
):
    make_animals(2)
    batch = creation.create("description_cleaning", Selection())
    has_thought = threading.Event()

    def answer(_body):
        has_thought.wait(60)
        return 200, answered("Fido likes to run and play ball.")

    def work():
        run_lane(batch.pk)
        connection.close()

    with loopback(answer) as served:
        Provider.objects.filter(pk=provider.pk).update(timeout_seconds=90, api_base_url=served.url)
        snapshot.expire()
        lane = threading.Thread(target=work)
        lane.start()
        deadline = time.monotonic() + 50
        while not (at := progress_of(batch.pk)).waits_for:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "sim/gpt-4o-mini has been thinking for" in at.waits_for
        page = admin_client.get(reverse("admin:enrichment_batch_change", args=[batch.pk]))
        assert "has been thinking for" in page.content.decode()
        shown = StringIO()
        call_command("llm_batch", "show", str(batch.pk), stdout=shown)
        assert "No progress: sim/gpt-4o-mini has been thinking for" in shown.getvalue()
        has_thought.set()
        lane.join()
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.waits_for) == ("completed", 2, "")


@pytest.mark.parametrize(
    ("batch_is", "chunks_are", "told"),
    [
        pytest.param({"created_at": LONG_AGO}, {}, "No worker has taken it yet", id="no worker"),
        pytest.param({"created_at": Now()}, {}, "", id="only just made"),
        pytest.param(
            {"status": "running", "started_at": LONG_AGO}, {}, "No worker works on it", id="no lane"
        ),
        pytest.param(
            {"status": "running", "started_at": LONG_AGO},
            {"due_at": "2100-01-01T00:00Z"},
            "Its failed rows are tried again at 00:00:00 UTC",
            id="later round",
        ),
        pytest.param(
            {"status": "running", "started_at": LONG_AGO},
            {"status": "away"},
            "1 of its chunks is with the provider",
            id="provider's batch",
        ),
        pytest.param(
            {"status": "running", "started_at": LONG_AGO},
            {"status": "leased", "leased_until": "2100-01-01T00:00Z"},
            "",
            id="in work",
        ),
        pytest.param({"status": "paused", "created_at": LONG_AGO}, {}, "", id="paused"),
    ],
)
def test_what_no_lane_can_tell_is_told_too(provider, make_animals, batch_is, chunks_are, told):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    Batch.objects.filter(pk=batch.pk).update(**batch_is)
    BatchChunk.objects.filter(batch=batch).update(**(chunks_are or {"round": 0}))
    answer = caller("viewer").get(f"/api/llm/batches/{batch.pk}").json()["progress"]["waits_for"]
    assert told in answer
    assert bool(answer) == bool(told)
    listed = StringIO()
    call_command("llm_batch", "list", stdout=listed)
    assert told in listed.getvalue()
    assert (f"{batch.pk} makes no progress: " in listed.getvalue()) == bool(told)


def test_the_list_of_batches_says_why_one_is_paused(provider, make_animals):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    lifecycle.pause(batch)
    listed = StringIO()
    call_command("llm_batch", "list", stdout=listed)
    assert f"{batch.pk} makes no progress: Paused by a person." in listed.getvalue()


def test_a_batch_that_waits_for_its_next_round_says_what_went_wrong(make_animals, nobody_listens):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    run_lane(batch.pk)
    Batch.objects.filter(pk=batch.pk).update(started_at=LONG_AGO, waits_for="")
    BatchChunk.objects.filter(batch=batch).update(due_at="2100-01-01T00:00Z")
    told = progress_of(batch.pk).waits_for
    assert "Its failed rows are tried again at" in told
    assert f"sim/gpt-4o-mini: connection (127.0.0.1:{nobody_listens}" in told


def test_a_note_of_a_lane_that_is_gone_is_forgotten(provider, make_animals):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    silence.note(batch.pk, "Waiting for the limits of sim.")
    assert progress_of(batch.pk).waits_for == "Waiting for the limits of sim."
    Batch.objects.filter(pk=batch.pk).update(waits_until=LONG_AGO)
    assert progress_of(batch.pk).waits_for == ""
