"""`make storm`: batches and `/v1` through what goes wrong, counted beside the provider's own count.

    make storm
    make storm ARGS="--rows 2000 --away 10"     # smaller
    make storm ARGS="--only valkey_flushed"     # one trial, by its name

First the storm of kills and crashes (`python -m benchmarks.storm`), then one trial for each other
thing that goes wrong. Writes its table into docs/reliability.md; ends with exit 1 unless every
answer that was paid is recorded once, or counted as paid twice.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

from benchmarks.disasters import Launcher, Process, Servers, Workers, kill, servers
from benchmarks.peers import ROOT
from benchmarks.trial_rows import END, START, TrialRow, table

DOCUMENT = ROOT / "docs" / "reliability.md"
IN_FLIGHT = 20
PATIENCE_SECONDS = 120.0
STREAMS = 50
LARGE_BODIES = 8
LARGE_BYTES = 30_000_000
SHUTDOWN_SECONDS = 3.0
CUTS = 8
FLUSHES = 5
NODE = "description_cleaning"


def main() -> None:
    """Run the trials, print their table and write it."""
    given = _arguments()
    os.environ["LLM_BATCH_CONCURRENT"] = str(IN_FLIGHT)
    os.environ["LLM_EGRESS_ALLOW"] = "127.0.0.1"
    rows = [] if given.only else [_storm(given)]
    with servers() as running:
        os.environ |= running.variables
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        os.environ["LLM_SPOOL_DIR"] = str(running.state.directory / "spool")
        os.environ["LLM_JOURNAL_DIR"] = str(running.state.directory / "journal")
        django.setup()
        from benchmarks import report

        on = report.machine
        rows += list(_trials(given, running))
        text = table(rows) + f"\n\nWritten by `make storm`{_asked()} on:\n\n{on()}\n"
    print(text)
    if not given.only:
        _write(text)
    if any(not row.is_exact for row in rows):
        sys.exit("FAILED: see the rows that aren't exact.")


def _arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000, help="rows or calls of each trial")
    parser.add_argument("--away", type=float, default=60.0, help="seconds without the database")
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), help="trials, by name")
    return parser.parse_args()


def _asked() -> str:
    return f' with `ARGS="{" ".join(sys.argv[1:])}"`' if sys.argv[1:] else ""


def _write(text: str) -> None:
    """Between the marks of the document."""
    whole = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = whole.partition(START)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{START}\n{text}{END}{after}", encoding="utf-8")


def _storm(given: Namespace) -> TrialRow:
    """The storm of kills and crashes, in a process of its own."""
    with tempfile.NamedTemporaryFile("r") as figures:
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.storm", f"--rows={given.rows}", "--faults=50",
             f"--figures={figures.name}"], check=False,
        )  # fmt: skip
        told = figures.read()
    if not told:
        sys.exit("The storm came to no end; see above.")
    row = TrialRow(**json.loads(told))
    return row if ran.returncode == 0 else TrialRow(**{**json.loads(told), "wrong": "see above"})


@dataclass(slots=True)
class Stage:
    """What the trials are played on."""

    given: Namespace
    servers: Servers
    provider: Any
    launcher: Launcher
    used: int = field(default=0)  # listings that trials have had

    def some_rows(self, count: int) -> list[int]:
        """Listings that no trial has had yet."""
        from benchmarks.database import row_ids

        self.used += count
        return row_ids(self.used)[-count:]


def _trials(given: Namespace, running: Servers) -> Iterator[TrialRow]:
    from benchmarks.database import multiply, prepare
    from benchmarks.provider import simulator

    with simulator() as provider:
        prepare(provider.url)
        multiply(given.rows * 3)
        stage = Stage(given, running, provider, Launcher(running.state.log("trials")))
        for name in given.only or TRIALS:
            provider.plan()
            provider.reset()
            provider.control(latency_ms=100)
            print(f"{name} …", flush=True)
            row = TRIALS[name](stage)
            print(f"  {row.line()}", flush=True)
            yield row


# Batches


@contextmanager
def _at_work(stage: Stage) -> Iterator[Workers]:
    """Two workers and beat."""
    workers = Workers(stage.launcher, 2)
    schedule = str(stage.servers.state.directory / "trial-beat")
    beat = stage.launcher.celery("beat", "--schedule", schedule, "--pidfile=")
    try:
        workers.add()
        workers.add()
        yield workers
    finally:
        workers.end()
        kill(beat)


def _batch(
    stage: Stage, what: str, faults: str, rows: int, happen: Sequence[Callable[[], None]]
) -> TrialRow:
    """A batch to which these things happen, at even shares of its rows."""
    from benchmarks.database import ENRICHMENT
    from enrichment import tasks
    from enrichment.batches import creation
    from enrichment.batches.progress import progress_of
    from enrichment.engine.db_sessions import persistently

    batch = creation.create(ENRICHMENT, creation.Selection(ids=stage.some_rows(rows)))
    left = list(happen)
    with _at_work(stage):
        tasks.start_lanes(batch)
        until, finished = time.monotonic() + PATIENCE_SECONDS, -1
        while True:
            at = persistently(lambda: progress_of(batch.pk))
            if at.finished != finished:
                finished, until = at.finished, time.monotonic() + PATIENCE_SECONDS
            if left and at.finished >= at.total * (1 - len(left) / (len(happen) + 1)):
                left.pop(0)()
            if at.status in {"paused", "completed", "cancelled"} or time.monotonic() > until:
                break
            time.sleep(0.1)
    counted = stage.provider.settled()
    wrong = "" if at.done == at.total and not left else f"{at.status}: {at.done} done. {at.reason}"
    return TrialRow(what, at.total, faults, counted["paid"], at.calls, at.calls_repaid, wrong)


def partition_missing(stage: Stage) -> TrialRow:
    """This month's tables of calls are dropped, then a batch begins."""
    from django.db import connection

    from metrics import partitions

    with connection.cursor() as cursor:
        month = partitions.month_start(partitions.utc_now())
        for parent in partitions.TABLES:
            cursor.execute(f"DROP TABLE {partitions.month_of(parent, month).name}")
    return _batch(stage, "the month's partition is missing", "2 tables", stage.given.rows // 4, [])


def valkey_flushed(stage: Stage) -> TrialRow:
    """Queue, limits and cache are emptied in the middle, several times."""
    from redis import Redis

    def flush() -> None:
        with Redis.from_url(os.environ["REDIS_URL"]) as broker:
            broker.flushall()

    rows = stage.given.rows // 2
    return _batch(stage, "Valkey is flushed under a batch", f"{FLUSHES} times", rows, [flush] * 5)


# /v1


@dataclass(frozen=True, slots=True)
class Endpoint:
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
def _endpoint(stage: Stage, **variables: str) -> Iterator[Endpoint]:
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
    endpoint = Endpoint(f"http://{LOOPBACK}:{port}", key.reveal(), process)
    try:
        _until(lambda: _answers(endpoint), "the endpoint answers")
        yield endpoint
    finally:
        process.terminate()
        process.wait(60)


def _answers(endpoint: Endpoint) -> bool:
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


def _ask(endpoint: Endpoint, numbers: Sequence[int]) -> int:
    """So many calls, some at a time; returns how many were answered."""
    with endpoint.client() as client, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def one(number: int) -> bool:
            reply = client.post("/v1/chat/completions", json=_body(number))
            return bool(reply.status_code == 200)

        return sum(pool.map(one, numbers))


def _calls(what: str, faults: str, asked: int, stage: Stage, wrong: str = "") -> TrialRow:
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


def cut_at_commit(stage: Stage) -> TrialRow:
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


def database_away(stage: Stage) -> TrialRow:
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


def sigterm_with_streams(stage: Stage) -> TrialRow:
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


def clients_that_leave(stage: Stage) -> TrialRow:
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


TRIALS: dict[str, Callable[[Stage], TrialRow]] = {
    each.__name__: each
    for each in (
        partition_missing,
        valkey_flushed,
        cut_at_commit,
        database_away,
        sigterm_with_streams,
        clients_that_leave,
    )
}


if __name__ == "__main__":
    main()
