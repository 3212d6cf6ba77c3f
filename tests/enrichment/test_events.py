"""A batch's events over a real ASGI server: live, finite, and for those who may look."""

import json
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from rest_framework.authtoken.models import Token

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch
from tests.api import caller
from tests.enrichment.conftest import served
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token() -> str:
    user = User.objects.create_user("looker")
    user.groups.add(Group.objects.get_or_create(name="viewer")[0])
    return str(Token.objects.create(user=user).key)


Open = Callable[..., Any]


@pytest.fixture
def listen(server: str, token: str) -> Open:
    def opened(batch_id: Any, *, key: str = token, **headers: str) -> Any:
        authorization = {"Authorization": f"Token {key}"} if key else {}
        address = f"{server}/api/llm/batches/{batch_id}/events"
        accept = {"Accept": "text/event-stream"}
        request = Request(address, headers={**authorization, **accept, **headers})  # noqa: S310
        return urlopen(request, timeout=60)  # noqa: S310 - loopback

    return opened


def next_event(stream: Any) -> dict[str, str]:
    """The fields of the next event; a comment is one with the name ''."""
    fields: dict[str, str] = {}
    while line := stream.readline().decode().rstrip("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return fields


def next_named(stream: Any, name: str) -> dict[str, str]:
    while (found := next_event(stream)).get("event") != name:
        assert found, "The stream ended."
    return found


def test_events_come_until_the_batch_ends_with_what_it_came_to(
    provider, simulator, make_animals, listen
):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    with listen(batch.pk) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        first = next_named(stream, "progress")
        at = json.loads(first["data"])
        assert (first["id"], at["status"], at["total"], at["done"]) == ("1", "pending", 3, 0)
        run_lane(batch.pk)
        last = next_named(stream, "end")
        assert int(last["id"]) > 1
        assert json.loads(last["data"])["done"] == 3
        assert stream.read() == b""


def test_a_batch_that_stands_still_brings_heartbeats_and_no_connection_is_held(
    provider, make_animals, listen
):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    lifecycle.pause(batch)
    with listen(batch.pk, **{"Last-Event-ID": "41"}) as stream:
        assert next_named(stream, "progress")["id"] == "42"
        while "" not in next_event(stream):
            pass
        # A look itself takes some milliseconds; held all along, it would be there each time.
        until(lambda: not connections_of_streams(), every=0.1)


def connections_of_streams() -> int:
    """Connections of others whose last query was about batches."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query LIKE '%enrichment_batch%'"
        )
        return int(cursor.fetchone()[0])


def test_a_server_that_cannot_stream_answers_with_one_event_at_a_time(provider, make_animals):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    address = f"/api/llm/batches/{batch.pk}/events"
    viewer = caller("viewer")
    plain = viewer.get(address, headers={"Last-Event-ID": "41"})  # by WSGI
    assert (plain.status_code, plain["Content-Type"]) == (200, "text/event-stream")
    stream = BytesIO(plain.content)
    assert next_event(stream) == {"retry": "1000"}
    assert next_named(stream, "progress")["id"] == "42"
    assert stream.read() == b""
    lifecycle.cancel(batch)
    ended = BytesIO(viewer.get(address).content)
    assert next_event(ended) == {"retry": "1000"}
    assert next_named(ended, "end")["id"] == "1"


def test_a_client_that_leaves_ends_its_stream(provider, make_animals, listen):
    make_animals(3)
    batch = creation.create("description_cleaning", Selection())
    lifecycle.pause(batch)
    stream = listen(batch.pk)
    next_named(stream, "progress")
    stream.close()
    quiet_since, before = time.monotonic(), looks(batch)
    deadline = quiet_since + 60
    while time.monotonic() - quiet_since < 2.5:  # two looks at least, were it still there
        assert time.monotonic() < deadline, "Somebody still looks."
        now = looks(batch)
        if now != before:
            quiet_since, before = time.monotonic(), now
        time.sleep(0.2)


def looks(batch: Batch) -> int:
    """How often the batches' table was looked up by its key, by anybody but these lines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(idx_scan + seq_scan) FROM pg_stat_all_tables"
            " WHERE relname = 'enrichment_batches'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(("key", "status"), [("", 401), ("0" * 40, 401)])
def test_strangers_get_no_stream(listen, key, status):
    with pytest.raises(HTTPError) as refused:
        listen(uuid4(), key=key)
    assert refused.value.code == status
    assert json.load(refused.value)["success"] is False
    refused.value.close()


def test_a_batch_that_is_not_there_is_404(listen):
    with pytest.raises(HTTPError) as refused:
        listen(uuid4())
    assert refused.value.code == 404
    refused.value.close()


def test_an_open_page_does_not_hold_up_the_end_of_the_server(make_animals, token):
    make_animals(1)
    batch = creation.create("description_cleaning", Selection())
    with served() as (url, process):
        address = f"{url}/api/llm/batches/{batch.pk}/events"
        request = Request(address, headers={"Authorization": f"Token {token}"})  # noqa: S310
        with urlopen(request, timeout=60) as stream:  # noqa: S310 - loopback
            next_named(stream, "progress")
            process.terminate()
            assert process.wait(30) is not None
