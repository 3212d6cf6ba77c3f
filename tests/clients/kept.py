"""Results that are kept for a day, so that a run can go on where it was stopped, or in pieces."""

import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path

from tests.clients import environments
from tests.clients.listing import MatrixClient
from tests.clients.running import ClientResult

SECONDS = 24 * 3600


def keep(result: ClientResult) -> None:
    """Write a result beside the environments."""
    path = _path(result.client)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"of": _of(result.client), "steps": result.steps, "broken": result.broken}
    path.write_text(json.dumps(told), encoding="utf-8")


def results(clients: Iterable[MatrixClient]) -> dict[str, ClientResult]:
    """What is kept of these clients, by name: of today, by the same script and packages."""
    found = {}
    for client in clients:
        path = _path(client)
        if path.exists() and path.stat().st_mtime > time.time() - SECONDS:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["of"] == _of(client):
                found[client.shown] = ClientResult(client, told["steps"], told["broken"])
    return found


def _path(client: MatrixClient) -> Path:
    return environments.cache() / "results" / f"{environments.slug(client)}.json"


def _of(client: MatrixClient) -> str:
    """What a result depends on, on the client's side."""
    script = (environments.SCRIPTS / client.script).read_bytes()
    told = json.dumps([client.packages, dict(client.environment)]).encode()
    return hashlib.sha256(script + told).hexdigest()
