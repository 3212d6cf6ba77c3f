"""For `benchmarks.admin`: opens pages of the admin in a checkout's own process and measures them.

Run as a script with PYTHONPATH and the working directory of the checkout that is measured, which
may be an older one: it needs Django and the checkout's settings alone. Reads the addresses as JSON
from its standard input, writes a line of JSON for each: milliseconds as medians, CPU as the least
of the looks, which other work on the machine disturbs least, bytes as sent.
"""

import asyncio
import gzip
import json
import os
import statistics
import sys
import time
from typing import Any

REPEATS = 2
REFUSALS = (
    "This query takes too long",
    "Totals of these calls take too long",
    "database was asked for",
    # as 671b608 said it
    "longer than a page may wait",
    "Ask for a shorter time",
)
SUPERUSER = {"is_staff": True, "is_superuser": True}


def main() -> None:
    """Measure what the standard input names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    asyncio.run(_start())
    from django.contrib.auth.models import User
    from django.test import Client

    # As a browser asks: an answer may come compressed.
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_ENCODING="gzip")
    client.force_login(User.objects.get_or_create(username="benchmark", defaults=SUPERUSER)[0])
    client.get("/admin/")  # what a process does once
    for address in json.load(sys.stdin):
        print(json.dumps(measured(client, address)), flush=True)


async def _start() -> None:
    """Begin as the checkout's server does, which also says how the process uses its memory."""
    from project.asgi import application

    started = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if started.is_set():
            await asyncio.Event().wait()  # no shutdown
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        started.set()

    server = asyncio.ensure_future(application({"type": "lifespan"}, receive, send))
    await started.wait()
    server.cancel()
    await asyncio.wait([server])


def measured(client: Any, address: str) -> dict[str, Any]:
    """The address as a person gets it, twice after a first look."""
    looks = [_look(client, address) for _ in range(REPEATS + 1)][1:]
    return {
        "address": address,
        "status": looks[-1]["status"],
        "refused": looks[-1]["refused"],
        "server_ms": statistics.median(each["server_ms"] for each in looks),
        "cpu_ms": min(each["cpu_ms"] for each in looks),
        "database_ms": statistics.median(each["database_ms"] for each in looks),
        "longest_ms": statistics.median(each["longest_ms"] for each in looks),
        "queries": looks[-1]["queries"],
        "bytes": looks[-1]["bytes"],
        "unpacked": looks[-1]["unpacked"],
    }


def _look(client: Any, address: str) -> dict[str, Any]:
    """One request. The database's time is what the process waited for it, the way included."""
    from django.db import connection

    waits: list[float] = []

    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            waits.append((time.perf_counter() - began) * 1000)

    began, began_cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(timed):
        answer = client.get(address)
        content = _first(answer) if answer.streaming else answer.content
    server_ms = (time.perf_counter() - began) * 1000
    cpu_ms = (time.process_time() - began_cpu) * 1000
    whole = gzip.decompress(content) if answer.get("Content-Encoding") == "gzip" else content
    text = whole.decode()
    return {
        "status": answer.status_code,
        "refused": any(each in text for each in REFUSALS),
        "server_ms": server_ms,
        "cpu_ms": cpu_ms,
        "database_ms": sum(waits),
        "longest_ms": max(waits, default=0.0),
        "queries": len(waits),
        "bytes": len(content),
        "unpacked": len(whole),
    }


def _first(answer: Any) -> bytes:
    """What comes up to the first lines of a file: its header and a piece after it."""
    from asgiref.sync import async_to_sync

    async def begin() -> bytes:
        pieces = []
        async for piece in answer:
            pieces.append(piece)
            if len(pieces) == 2:
                break
        return b"".join(pieces)

    return async_to_sync(begin)()


if __name__ == "__main__":
    main()
