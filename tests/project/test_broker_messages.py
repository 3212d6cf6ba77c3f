"""A worker refuses what isn't a task of ours, says why, and goes on."""

import base64
import json
import os
import pickle
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from redis import Redis

from nodewise.timers import MARK
from tests.database import database_url

pytestmark = pytest.mark.django_db(transaction=True)

REVIVE = "enrichment.tasks.revive_stalled_batches"
ARGUMENTS = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
QUEUE = "celery"
SECONDS = 120


def message(
    body: bytes = ARGUMENTS,
    *,
    headers: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    content_type: str | None = "application/json",
) -> bytes:
    """As Celery writes them, but for what is given."""
    own = str(uuid.uuid4())
    terms = {"eta": None, "expires": None, "retries": 0, "timelimit": [None, None]}
    whole = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": content_type,
        "headers": {"lang": "py", "task": REVIVE, "id": own, **terms, **(headers or {})},
        "properties": {
            "correlation_id": own,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
            **(properties or {}),
        },
    }
    return json.dumps(whole).encode()


# What comes, and what the log says of it. Each but the first two lines ended the worker, or stayed
# in its hands.
FOREIGN = [
    (message(headers={"task": "of.another.program"}), "of.another.program"),
    (message(pickle.dumps(((), {}, {})), content_type="application/x-python-serialize"),
     "untrusted content of type pickle"),
    (b"", "is no message"),
    (b"hello", "is no message"),
    (b"\xff\xfe", "is no message"),
    (b"[1, 2]", "is no message"),
    (b"5", "is no message"),
    (b'{"body": "x"}', "is no message"),
    (message(body=b"x", properties={"body_encoding": "rot13"}), "is no message"),
    (message(properties={"delivery_tag": None}), "isn't text"),
    (message(properties={"delivery_info": {}}), "is no message"),
    (message(headers={"task": 5}), "names no task"),
    (message(headers={"id": None}), "has no id"),
    (message(content_type=None), "no content type"),
    (message(b"5"), "isn't arguments"),
    (message(b'{"task": "x"}'), "isn't arguments"),
    (message(b'["abc", {}, {}]'), "isn't arguments"),
    (message(b"\xff{{"), "can't decode"),
    (message(b"[" * 100_000), "recursion"),
    (message(headers={"timelimit": "soon"}), "timelimit"),
    (message(headers={"timelimit": ["a", "b"]}), "timelimit"),
    (message(headers={"retries": "many"}), "retries"),
    (message(headers={"eta": "tomorrow"}), "eta is no time"),
    (message(headers={"expires": 5}), "expires is no time"),
    (message(headers={"compression": "application/x-gzip"}), "decompressing"),
    (message(b'[["no batch"], {}, {}]', headers={"task": "enrichment.tasks.run_lane"}),
     "badly formed hexadecimal UUID"),
]  # fmt: skip


@pytest.fixture
def broker() -> Iterator[Redis]:
    client = Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()


def test_messages_that_are_not_ours_are_refused_and_the_worker_goes_on(
    broker: Redis, tmp_path: Any
) -> None:
    for foreign, _ in FOREIGN:
        broker.lpush(QUEUE, foreign)
    broker.set(MARK.format(REVIVE), 1)
    broker.lpush(QUEUE, message())
    log = tmp_path / "log"
    command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--concurrency", "1"]
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
            env={**os.environ, "DATABASE_URL": database_url()},
            stdout=out,
            stderr=out,
        )
    try:
        ends = time.monotonic() + SECONDS
        while broker.exists(MARK.format(REVIVE)):  # until the task after them has been taken
            assert worker.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < ends, log.read_text()[-3000:]
            time.sleep(0.05)
        while broker.llen(QUEUE) or broker.hlen("unacked"):
            assert time.monotonic() < ends, broker.hgetall("unacked")
            time.sleep(0.05)
        said = log.read_text()
        for foreign, expected in FOREIGN:
            assert expected in said, (foreign[:200], expected)
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait(60)
