"""The end of a server under way: SIGTERM, and clients that leave."""

import errno
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from django.utils import timezone

from metrics.models import GenerationMetric
from tests.llmconfig.dripping import dripping_server
from tests.llmconfig.gateway_server import new_key, running_server
from tests.loopback import loopback, streamed
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = {"model": "chat", "messages": [{"role": "user", "content": "Say hello to the dogs."}]}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def dripping():
    with dripping_server() as provider:
        yield provider


@pytest.fixture
def chat(dripping, make_provider, make_node):
    make_provider(api_base_url=dripping.url)
    make_node("sim/gpt-4o-mini", name="chat")


def is_refused(server):
    """Whether nobody takes new connections there."""
    where = urlsplit(server.url)
    with socket.socket() as client:
        return client.connect_ex((where.hostname, where.port)) == errno.ECONNREFUSED


def last_event(reply):
    told = [line for line in reply.iter_lines() if line.startswith("data: ")]
    return told[-1]


@pytest.mark.parametrize("path", ["chat/completions", "messages"])
def test_streams_go_on_after_sigterm_and_then_end_with_an_error_and_a_record(chat, dripping, path):
    with running_server(LLM_SHUTDOWN_SECONDS="1.5") as server:
        key = server.until_known(new_key(), "chat")
        body = {**HELLO, "stream": True, "max_tokens": 500}
        with server.client(key) as client, ThreadPoolExecutor(4) as pool, ExitStack() as streams:
            replies = [
                streams.enter_context(client.stream("POST", f"/v1/{path}", json=body))
                for _ in range(4)
            ]
            kept = httpx2.Client(base_url=server.url, trust_env=False)
            assert kept.get("/healthz").status_code == 200
            asked_at = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert until(lambda: is_refused(server))
            for said in pool.map(last_event, replies):
                assert "being stopped" in json.dumps(json.loads(said.removeprefix("data: ")))
            assert 1.2 < time.monotonic() - asked_at < 15
            kept.close()
        server.process.wait(30)
    rows = list(GenerationMetric.objects.all())
    assert len(rows) == 4
    for row in rows:
        assert row.error_code == "cancelled"
        assert row.response_length > 20
        assert row.tokens_output > 0 or row.attempts[-1]["estimated_usd"]
    assert until(lambda: not dripping.open)


def memory_of(server):
    told = Path(f"/proc/{server.process.pid}/statm").read_text()
    return int(told.split()[1]) * PAGE_BYTES / 1024 / 1024


def test_clients_that_hang_up_or_read_nothing_leave_nothing_behind(chat, dripping):
    with running_server() as server:
        key = server.until_known(new_key(), "chat")
        body = {**HELLO, "stream": True, "max_tokens": 500}

        def hang_up(client):
            with client.stream("POST", "/v1/chat/completions", json=body) as reply:
                next(reply.iter_raw())

        limits = httpx2.Limits(max_connections=None)
        with server.client(key, limits=limits) as client, ThreadPoolExecutor(50) as pool:
            list(pool.map(hang_up, [client] * 50))  # what stays for good is there now
            assert until(lambda: not dripping.open)
            before, began = memory_of(server), timezone.now()
            list(pool.map(hang_up, [client] * 200))
            assert until(lambda: not dripping.open)
            large = {"model": "chat", "messages": [{"role": "user", "content": "x" * 30_000_000}]}
            for _ in range(6):
                reply = client.post("/v1/chat/completions", json={**large, "model": "none"})
                assert reply.status_code == 404
            rows = GenerationMetric.objects.filter(created_at__gte=began)
            assert until(lambda: rows.count() >= 200)
            assert rows.count() == 200
        assert until(lambda: memory_of(server) - before < 20), memory_of(server) - before


def test_readers_that_are_slow_hold_up_nobody_and_leave_nothing_behind(make_provider, make_node):
    """Each stream has 12 MB, of which its client takes a byte now and then, and leaves."""
    readers, word = 5, "woof " * 12_000
    begun, ended = [], []

    def gushing(_body):
        def pieces():
            begun.append(1)
            try:
                for _ in range(200):
                    yield streamed(word)[0]
            finally:
                ended.append(1)

        return 200, pieces()

    with loopback(gushing) as provider:
        make_provider(api_base_url=provider.url)
        make_node("sim/gpt-4o-mini", name="chat")
        with running_server() as server, ExitStack() as connections:
            key = server.until_known(new_key(), "chat")
            before = memory_of(server)
            clients = [connections.enter_context(slow_reader(server, key)) for _ in range(readers)]
            assert until(lambda: len(begun) == readers, 30), len(begun)
            with server.client(key) as other:
                for _ in range(5):
                    assert all(each.recv(1) for each in clients)
                    assert other.get("/v1/models").elapsed.total_seconds() < 50
            connections.pop_all().close()
            assert until(lambda: len(ended) == readers, 30), len(ended)
            assert until(lambda: GenerationMetric.objects.count() == readers, 30)
            assert until(lambda: memory_of(server) - before < 20, 40), memory_of(server) - before


def slow_reader(server, key):
    where = urlsplit(server.url)
    body = json.dumps({**HELLO, "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect((where.hostname, where.port))
    client.sendall(head.encode() + body)
    return client
