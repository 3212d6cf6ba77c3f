"""`/v1` while its database is away: calls go on, and no record of an answered one is lost."""

import json
import resource
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from llmconfig.models import Budget
from metrics.models import GenerationHistory, GenerationMetric
from tests.llmconfig.database_door import door
from tests.llmconfig.gateway_server import new_key, running_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = {"model": "chat", "messages": [{"role": "user", "content": "Say hello to the dogs."}]}


@pytest.fixture
def way():
    with door() as made:
        yield made


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def serve(way, journal, make_provider, make_node):
    """Start a server behind the door, with a key that it knows."""
    make_provider()
    make_node("sim/gpt-4o-mini", name="chat")

    def start(**environment):
        return running_server(DATABASE_URL=way.url, LLM_JOURNAL_DIR=str(journal), **environment)

    return start


def ask(client, count=1):
    with ThreadPoolExecutor(8) as pool:
        return list(
            pool.map(lambda _: client.post("/v1/chat/completions", json=HELLO), range(count))
        )


def recorded(began, count, seconds=60.0):
    """Until so many calls have their one record each."""
    rows = GenerationMetric.objects.filter(created_at__gte=began)
    ends = time.monotonic() + seconds
    while rows.count() < count and time.monotonic() < ends:
        time.sleep(0.05)
    assert rows.count() == count
    assert rows.values("correlation_id").distinct().count() == count
    assert GenerationHistory.objects.filter(created_at__gte=began).count() == count


def until_on_disk(journal, lines):
    def found():
        files = list(journal.glob("*.jsonl")) if journal.is_dir() else []
        return sum(each.read_bytes().count(b"\n") for each in files) >= lines and files

    return until(found)


def test_calls_go_on_while_the_database_is_away_and_are_recorded_when_it_is_back(
    serve, way, journal
):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        with server.client(key) as client:
            way.close()
            time.sleep(2.5)  # older than what is gone by without a question
            slowest = 0.0
            for reply in ask(client, 40):
                assert reply.status_code == 200, reply.text
                slowest = max(slowest, reply.elapsed.total_seconds())
            assert slowest < 8
            (file,) = until_on_disk(journal, 40)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(journal.stat().st_mode) == 0o700
            way.open()
            recorded(began, 40)
            assert client.post("/v1/chat/completions", json=HELLO).status_code == 200
            recorded(began, 41)
        ends = time.monotonic() + 60
        while list(journal.iterdir()) and time.monotonic() < ends:
            time.sleep(0.05)
        assert not list(journal.iterdir())


def test_calls_are_recorded_while_the_database_takes_no_more_connections(serve, way):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        with server.client(key) as client:
            way.fill()
            assert {reply.status_code for reply in ask(client, 20)} == {200}
            recorded(began, 20)
            way.close()  # those that there were are gone too
            way.fill()
            for reply in ask(client, 20):
                assert reply.status_code == 200, reply.text
                assert reply.elapsed.total_seconds() < 8
            way.open()
            recorded(began, 40)


def test_a_full_disk_keeps_records_in_memory_until_the_database_is_back(serve, way, journal):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        # No file may grow beyond this: writes come back short, then fail, as on a full disk.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (9_000, 9_000))
        with server.client(key) as client:
            way.close()
            time.sleep(2.5)
            assert {reply.status_code for reply in ask(client, 40)} == {200}
            time.sleep(1.5)  # some rounds in which they should have gone to the disk
            kept = [line for file in journal.iterdir() for line in file.read_bytes().splitlines()]
            assert all(json.loads(line) for line in kept)
            way.open()
            recorded(began, 40)
    recorded(began, 40)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_records_outlive_a_process_that_ends_while_the_database_is_away(serve, way, journal, end):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        way.close()
        with server.client(key) as client:
            assert {reply.status_code for reply in ask(client, 20)} == {200}
        if end == signal.SIGKILL:
            until_on_disk(journal, 20)
        server.process.send_signal(end)
        server.process.wait(60)
    until_on_disk(journal, 20)
    assert not GenerationMetric.objects.filter(created_at__gte=began).exists()
    way.open()
    with serve():
        recorded(began, 20)


def ready(client, count=1):
    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(lambda _: client.get("/readyz"), range(count)))


def test_a_database_that_hangs_holds_up_nobody(serve, way, journal):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        with server.client(key) as client:
            assert {reply.status_code for reply in ready(client, 12)} == {200}
            way.hold()
            for reply in ready(client, 12):  # more than may wait for an answer at a time
                assert (reply.status_code, reply.json()["database"]) == (503, "unreachable")
                assert reply.elapsed.total_seconds() < 8
            assert client.get("/healthz").status_code == 200
            for reply in ask(client, 16):
                assert reply.status_code == 200, reply.text
                assert reply.elapsed.total_seconds() < 8
            until_on_disk(journal, 16)
            way.open()
            recorded(began, 16)
            ends = time.monotonic() + 60
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < ends, "it is ready no more"


def test_after_the_stated_time_calls_are_refused_in_either_shape(serve, way):
    with serve(LLM_DATABASE_LOST_SECONDS="1") as server:
        key = server.until_known(new_key(), "chat")
        way.close()
        time.sleep(3)
        with server.client(key) as client:
            openai = client.post("/v1/chat/completions", json=HELLO)
            anthropic = client.post("/v1/messages", json={**HELLO, "max_tokens": 9})
            for reply in (openai, anthropic):
                assert reply.status_code == 503
                assert 1 <= int(reply.headers["retry-after"]) <= 60
            assert openai.json()["error"]["code"] == "unavailable"
            assert anthropic.json()["error"]["type"] == "overloaded_error"
            way.open()
            ends = time.monotonic() + 60
            while client.post("/v1/chat/completions", json=HELLO).status_code != 200:
                assert time.monotonic() < ends
                time.sleep(0.2)


@pytest.mark.parametrize(("limit", "status"), [("hard_limit_usd", 503), ("soft_limit_usd", 200)])
def test_budgets_without_their_ledger_keep_to_their_stated_rule(serve, way, limit, status):
    Budget.objects.create(name="all", scope="everything", period="day", **{limit: 5})
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        with server.client(key) as client:
            assert client.post("/v1/chat/completions", json=HELLO).status_code == 200
            spent = spending()
            way.close()
            reply = client.post("/v1/chat/completions", json=HELLO)
            assert reply.status_code == status, reply.text
            assert status == 200 or 1 <= int(reply.headers["retry-after"]) <= 60
            way.open()
            ends = time.monotonic() + 60
            while status == 200 and spending() == spent:
                assert time.monotonic() < ends, "its cost was not settled"
                time.sleep(0.1)


def spending():
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(spent_usd), 0) FROM llm_budget_ledger")
        return cursor.fetchone()[0]


def test_a_connection_that_is_cut_at_commit_makes_no_second_record(serve, way):
    with serve() as server:
        key = server.until_known(new_key(), "chat")
        began = timezone.now()
        with server.client(key) as client:
            for _ in range(4):
                way.cut_at_commit(1)
                assert {reply.status_code for reply in ask(client, 10)} == {200}
                ends = time.monotonic() + 60
                while way.cuts_left and time.monotonic() < ends:
                    time.sleep(0.05)
                assert not way.cuts_left
            recorded(began, 40)
