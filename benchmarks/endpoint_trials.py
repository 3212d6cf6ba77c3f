"""Trials of `/v1`: what its database, its end and its clients do to it, counted by the provider."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.disasters import Process
from benchmarks.trial_rows import TrialRow
from benchmarks.trial_stage import TrialStage

IN_FLIGHT = 20
PATIENCE_SECONDS = 120.0
STREAMS = 50
LARGE_BODIES = 8
LARGE_BYTES = 30_000_000
SHUTDOWN_SECONDS = 3.0
CUTS = 8
NODE = "description_cleaning"


@dataclass(frozen=True, slots=True)
class TrialEndpoint:
    """A running `/v1` and a key for it."""

    url: str
    key: str
    process: Process

    def client(self) -> Any:
        import httpx2

        return httpx2.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {self.key}"},
            trust_env=False,
            timeout=60,
            limits=httpx2.Limits(max_connections=None),
        )

    def memory(self) -> float:
        """MB that it takes now."""
        from benchmarks.scale import PAGE_MB

        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE_MB


@contextmanager
def _endpoint(stage: TrialStage, **variables: str) -> Iterator[TrialEndpoint]:
    from llmconfig.configuration.revisions import change
    from llmconfig.gateway.keys import Scope, make_key
    from project.embedded.ports import LOOPBACK, free_port

    with change(source="shell"):
        _, key = make_key(f"trial {time.monotonic()}", scope=Scope(everything=True))
    port = free_port()
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        process = stage.launcher.launch(
            "uvicorn", "project.asgi:application", "--port", str(port), "--no-access-log"
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    endpoint = TrialEndpoint(f"http://{LOOPBACK}:{port}", key.reveal(), process)
    try:
        _until(lambda: _answers(endpoint), "the endpoint answers")
        yield endpoint
    finally:
        process.terminate()
        process.wait(60)


def _answers(endpoint: TrialEndpoint) -> bool:
    import httpx2

    with endpoint.client() as client:
        try:
            return bool(client.get("/v1/models").status_code == 200)
        except httpx2.HTTPError:
            return False


def _until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            sys.exit(f"After {seconds:.0f} s it still isn't so that {what}.")
        time.sleep(0.1)


def _body(number: int, **more: Any) -> dict[str, Any]:
    said = {"role": "user", "content": f"Say hello to dog number {number}."}
    return {"model": NODE, "messages": [said], **more}


def _ask(endpoint: TrialEndpoint, numbers: Sequence[int]) -> int:
    """So many calls, some at a time; returns how many were answered."""
    with endpoint.client() as client, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def one(number: int) -> bool:
            reply = client.post("/v1/chat/completions", json=_body(number))
            return bool(reply.status_code == 200)

        return sum(pool.map(one, numbers))


def _calls(what: str, faults: str, asked: int, stage: TrialStage, wrong: str = "") -> TrialRow:
    """The row of a trial of `/v1`, once its records had time to be written."""
    from metrics.models import GenerationMetric

    counted = stage.provider.settled()
    since = GenerationMetric.objects.filter(service_name="gateway")
    until = time.monotonic() + PATIENCE_SECONDS
    while since.count() < counted["paid"] and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)  # for records that would be there twice
    recorded = since.count()
    GenerationMetric.objects.all().delete()
    return TrialRow(what, asked, faults, counted["paid"], recorded, 0, wrong)


def cut_at_commit(stage: TrialStage) -> TrialRow:
    """The database's connections are cut in the moment of a COMMIT."""
    from tests.llmconfig.database_door import door

    rows = stage.given.rows // 5
    _forget_calls()
    with door() as way, _endpoint(stage, DATABASE_URL=way.url) as endpoint:
        answered = 0
        for part in range(CUTS):
            way.cut_at_commit(1)
            answered += _ask(endpoint, range(part * rows // CUTS, (part + 1) * rows // CUTS))
            _until(lambda: not way.cuts_left, "a COMMIT was cut")
        wrong = "" if answered == rows else f"{answered} answered"
        return _calls("/v1, connections cut at COMMIT", f"{CUTS} cuts", answered, stage, wrong)


def database_away(stage: TrialStage) -> TrialRow:
    """Calls go on while the database is away, and the server is ended before it is back."""
    from tests.llmconfig.database_door import door

    _forget_calls()
    asked, answered = 0, 0
    with door() as way:
        with _endpoint(stage, DATABASE_URL=way.url) as endpoint:
            answered += _ask(endpoint, range(100))
            asked += 100
            way.close()
            until = time.monotonic() + stage.given.away
            while time.monotonic() < until:
                answered += _ask(endpoint, range(asked, asked + 100))
                asked += 100
        way.open()  # the server has ended: what waited is on the disk, and the next one writes it
        with _endpoint(stage, DATABASE_URL=way.url):
            wrong = "" if answered == asked else f"{asked - answered} refused"
            faults = f"{stage.given.away:.0f} s, then SIGTERM"
            return _calls("/v1, PostgreSQL away", faults, asked, stage, wrong)


def sigterm_with_streams(stage: TrialStage) -> TrialRow:
    """Streams that would take longer than the server has."""
    _forget_calls()
    stage.provider.plan(rules=[{"action": {"drip": {"bytes": 40, "every_ms": 300}}}])
    last: list[str] = []
    begun = threading.Semaphore(0)
    with (
        _endpoint(stage, LLM_SHUTDOWN_SECONDS=str(SHUTDOWN_SECONDS)) as endpoint,
        endpoint.client() as client,
        ThreadPoolExecutor(STREAMS) as pool,
    ):

        def one(number: int) -> None:
            body = _body(number, stream=True, max_tokens=500)
            with client.stream("POST", "/v1/chat/completions", json=body) as reply:
                begun.release()
                told = [line for line in reply.iter_lines() if line.startswith("data: ")]
            last.append(told[-1] if told else "")

        running = [pool.submit(one, number) for number in range(STREAMS)]
        for _ in range(STREAMS):
            begun.acquire(timeout=PATIENCE_SECONDS)
        endpoint.process.terminate()
        for each in running:
            each.result()
    told = sum("being stopped" in each for each in last)
    wrong = "" if told == STREAMS else f"{told} were told"
    return _calls("/v1, SIGTERM with streams open", "1", STREAMS, stage, wrong)


def clients_that_leave(stage: TrialStage) -> TrialRow:
    """Streams hung up, streams read slowly, bodies of 30 MB, then many calls; and the memory."""
    _forget_calls()
    rows = stage.given.rows
    hung_up = min(200, rows)
    with _endpoint(stage) as endpoint:
        _ask(endpoint, range(300))  # what stays for good is there now
        before, asked = endpoint.memory(), 300
        with endpoint.client() as client, ThreadPoolExecutor(IN_FLIGHT) as pool:

            def hang_up(number: int) -> None:
                body = _body(number, stream=True)
                with client.stream("POST", "/v1/chat/completions", json=body) as reply:
                    next(reply.iter_raw(), b"")

            list(pool.map(hang_up, range(asked, asked + hung_up)))
            asked += hung_up
            large = {"model": "none", "messages": [{"role": "user", "content": "x" * LARGE_BYTES}]}
            refused = [client.post("/v1/chat/completions", json=large) for _ in range(LARGE_BODIES)]
        answered = _ask(endpoint, range(asked, asked + rows))
        asked += rows
        wrong = "" if answered == rows else f"{answered} of {rows} answered"
        if any(reply.status_code != 404 for reply in refused):
            wrong += " large bodies weren't read"
        _until(lambda: not stage.provider.stats()["in_flight"], "no stream is open")
        _until(lambda: endpoint.memory() - before < 20, "memory is back within 20 MB")
        faults = f"{hung_up} hung up, {LARGE_BODIES} bodies of 30 MB; memory within 20 MB"
        return _calls("/v1, clients that leave", faults, asked, stage, wrong)


def _forget_calls() -> None:
    from metrics.models import GenerationMetric

    GenerationMetric.objects.all().delete()
