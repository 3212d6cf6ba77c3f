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

from benchmarks.disasters import Process, kill
from benchmarks.trial_rows import TrialRow
from benchmarks.trial_stage import TrialStage, with_variables

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
    with with_variables(**variables):
        process = stage.launcher.launch(
            "uvicorn", "project.asgi:application", "--port", str(port), "--no-access-log"
        )
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


def killed_while_away(stage: TrialStage) -> TrialRow:
    """The database is away, and the server is killed once its records are on the disk."""
    from tests.llmconfig.database_door import door

    _forget_calls()
    asked = stage.given.rows // 5
    journal = Path(os.environ["LLM_JOURNAL_DIR"])
    with door() as way:
        with _endpoint(stage, DATABASE_URL=way.url) as endpoint:
            _ask(endpoint, [0])
            way.close()
            answered = 1 + _ask(endpoint, range(1, asked))
            _until(lambda: _lines(journal) >= asked - 1, "the records are on the disk")
            kill(endpoint.process)
        way.open()
        with _endpoint(stage, DATABASE_URL=way.url):
            wrong = "" if answered == asked else f"{asked - answered} refused"
            return _calls("/v1, PostgreSQL away", "SIGKILL", asked, stage, wrong)


def _lines(journal: Path) -> int:
    return sum(each.read_bytes().count(b"\n") for each in journal.glob("*.jsonl"))


def database_hangs(stage: TrialStage) -> TrialRow:
    """The database takes connections and says nothing for a while."""
    from tests.llmconfig.database_door import door

    _forget_calls()
    asked = stage.given.rows // 5
    seconds = min(stage.given.away, 25.0)
    with door() as way, _endpoint(stage, DATABASE_URL=way.url) as endpoint:
        _ask(endpoint, [0])
        threading.Timer(seconds, way.open).start()
        way.hold()
        answered = 1 + _ask(endpoint, range(1, asked))
        wrong = "" if answered == asked else f"{asked - answered} refused"
        return _calls("/v1, PostgreSQL hangs", f"{seconds:.0f} s", asked, stage, wrong)


def absurd_numbers(stage: TrialStage) -> TrialRow:
    """Usage that can't be, and answers that break off: recorded once, none believed."""
    from metrics.models import GenerationMetric

    _forget_calls()
    asked = stage.given.rows // 5
    kinds = ("nan", "negative_usage", "wrong_types")
    rules = [
        {"every": 3 + number, "action": {"garbage": kind}} for number, kind in enumerate(kinds)
    ]
    stage.provider.plan(rules=rules)
    with _endpoint(stage) as endpoint:
        _ask(endpoint, range(asked))
        _until(lambda: GenerationMetric.objects.count() >= asked, "all calls are recorded")
        time.sleep(1)
    counted = stage.provider.settled()
    records = list(GenerationMetric.objects.values_list("attempts", "cost_usd"))
    paid = sum(
        each["paid"] or each["outcome"] in {"bad_reply", "timeout"} or each["cost_source"] != ""
        for attempts, _ in records
        for each in attempts
    )
    dear = [cost for _, cost in records if cost is not None and not 0 <= cost < 1]
    wrong = f"{len(dear)} absurd costs" if dear else ""
    if len(records) != asked:
        wrong += f" {len(records)} records"
    GenerationMetric.objects.all().delete()
    faults = f"{len(kinds)} kinds of garbage"
    return TrialRow("/v1, absurd usage", asked, faults, counted["paid"], paid, 0, wrong)


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


ENDPOINT_TRIALS: tuple[Callable[[TrialStage], TrialRow], ...] = (
    cut_at_commit,
    database_away,
    killed_while_away,
    database_hangs,
    absurd_numbers,
    sigterm_with_streams,
    clients_that_leave,
)
