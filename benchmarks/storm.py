"""Kills, stops and restarts everything in the middle of a batch, and counts what is left.

    python -m benchmarks.storm
    python -m benchmarks.storm --rows 3000 --kills 3 --stops 0 --postgres 0 --valkey 0 --faults 100

Real Celery workers and beat, a web process, PostgreSQL, Valkey and an HTTP provider. Workers are
killed, or stopped until others have taken over their work; PostgreSQL and Valkey crash and come
back. Ends with exit 1 unless every row was done exactly once and what the provider was paid is what
is recorded plus what was paid twice.
"""

import json
import os
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

from benchmarks.disasters import (
    LOOK_EVERY_SECONDS,
    Launcher,
    Servers,
    Web,
    Workers,
    kill,
    servers,
)
from benchmarks.trial_rows import TrialRow

WORKERS = 2
LANES = 2  # of each worker
# A lease lasts 10 s, the reviver comes every 5; later rounds wait for retry_delay besides.
PATIENCE_SECONDS = 200.0  # on a busy machine processes take a minute to start
RETRY_DELAY_SECONDS = 5
MARKER = "Storm Marker"


def main() -> None:
    """Run the storm and judge it."""
    options = _options()
    with servers() as running:
        os.environ |= running.variables
        os.environ["LLM_BATCH_CONCURRENT"] = str(options.in_flight)
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        django.setup()
        held = _storm(options, running)
    if not held:
        sys.exit(1)


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=3, help="Workers that are killed.")
    parser.add_argument("--stops", type=int, default=2, help="Workers stopped past their lease.")
    parser.add_argument("--postgres", type=int, default=2, help="Crashes of PostgreSQL.")
    parser.add_argument("--valkey", type=int, default=2, help="Crashes of Valkey.")
    parser.add_argument("--faults", type=int, default=0, help="Faults in 1,000 requests.")
    parser.add_argument("--failing", action="store_true", help="One row always fails.")
    parser.add_argument("--in-flight", type=int, default=50, help="Calls in flight in one lane.")
    parser.add_argument("--seed", type=int, default=1, help="In which order it happens.")
    parser.add_argument("--figures", help="A file for what it came to, as JSON.")
    return parser.parse_args()


@dataclass(slots=True)
class Run:
    """Everything that runs, and how it went."""

    options: Namespace
    batch_id: Any
    provider: Any
    servers: Servers
    workers: Workers
    web: Web
    began: float
    seconds: float = 0.0

    def say(self, at: Any, what: str) -> None:
        seconds = time.monotonic() - self.began
        print(f"  {seconds:6.1f} s  {at.finished:>6} rows  {what}", flush=True)


def _storm(options: Namespace, running: Servers) -> bool:
    from benchmarks.database import ENRICHMENT, prepare, row_ids
    from benchmarks.provider import simulator
    from enrichment import tasks
    from enrichment.batches import creation

    with simulator() as provider:
        prepare(provider.url)
        _multiply(options.rows)
        _settle_terms(provider)
        provider.plan(**_plan(options, row_ids(options.rows)))
        batch = creation.create(ENRICHMENT, creation.Selection(ids=row_ids(options.rows)))
        tasks.start_lanes(batch)
        launcher = Launcher(running.state.log("processes"))
        workers = Workers(launcher, LANES)
        for _ in range(WORKERS):
            workers.add()
        schedule = str(running.state.directory / "beat")
        beat = launcher.celery("beat", "--schedule", schedule, "--pidfile=")
        web = Web(launcher, f"/api/llm/batches/{batch.pk}", _token())
        run = Run(options, batch.pk, provider, running, workers, web, time.monotonic())
        print(
            f"{batch.rows_total} rows; {WORKERS} workers of {LANES} lanes with"
            f" {options.in_flight} calls in flight each."
        )
        try:
            _ride_out(run)
            run.seconds = time.monotonic() - run.began
            standing = workers.alive() and beat.poll() is None
        finally:
            workers.end()
            kill(beat)
            web.end()
        held = _judge(run, standing=standing)
        if not held:
            print(launcher.log.read_text(errors="replace")[-20_000:], file=sys.stderr)
        return held


def _multiply(rows: int) -> None:
    """More listings than are shipped: the same ones under other ids, each with its own text."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat

    from enrichment.listings.models import Animal

    known = list(Animal.objects.exclude(description=""))
    copies = -(-rows // len(known)) - 1
    for copy in range(copies):
        for animal in known:
            animal.pk, animal.external_id = None, f"{animal.external_id}-{copy}"[:50]
        Animal.objects.bulk_create(known, batch_size=1000)
    # Or the response cache would answer most of them.
    own = Concat(F("description"), Value(" Listing "), F("external_id"))
    Animal.objects.exclude(description="").update(description=own)


def _settle_terms(provider: Any) -> None:
    """As many lanes as there are workers for, limits that Valkey keeps, and the provider's bill."""
    from benchmarks.provider import MODEL
    from llmconfig.configuration.revisions import change
    from llmconfig.models import LLMConfig, ModelPrice

    price = ModelPrice.objects.get()
    rates = {"input": str(price.input_per_1m), "output": str(price.output_per_1m)}
    provider.control(prices={MODEL: rates})
    with change(source="shell", message="Storm"):
        LLMConfig.objects.update(concurrent_tasks=WORKERS * LANES, retry_delay=RETRY_DELAY_SECONDS)


def _token() -> str:
    """Of somebody who may look."""
    from django.contrib.auth.models import Group, User
    from rest_framework.authtoken.models import Token

    from llmconfig.roles import ensure_roles

    ensure_roles()
    user = User.objects.create_user("looker")
    user.groups.add(Group.objects.get(name="viewer"))
    return str(Token.objects.create(user=user).key)


def _plan(options: Namespace, ids: list[int]) -> dict[str, Any]:
    """The simulator's plan; the row that always fails gets a name to know it by."""
    from enrichment.listings.models import Animal

    plan: dict[str, Any] = {"rules": []}
    if options.failing:
        Animal.objects.filter(pk=ids[len(ids) // 2]).update(name=MARKER)
        plan["rules"] = [{"text": MARKER, "action": {"status": 500}}]
    if options.faults:
        kinds = ["429", "500", "disconnect", "cut", "garbage"]
        plan |= {"faults_per_1000": options.faults, "kinds": kinds, "seed": 1}
    return plan


def _disasters(run: Run) -> list[tuple[str, Callable[[], None]]]:
    """What happens, in order. A kill comes last: only timers and queues that live get over it."""
    options, workers, running = run.options, run.workers, run.servers
    lasts = 1 if options.kills else 0
    kills = ("a worker is killed, another one started", workers.kill_one)
    drawn = [
        *[kills] * (options.kills - lasts),
        *[("a worker is stopped past its lease, another one started", workers.stop_one)]
        * options.stops,
        *[("PostgreSQL crashes and comes back", running.restart_postgres)] * options.postgres,
        *[("Valkey crashes and comes back", running.restart_valkey)] * options.valkey,
    ]
    random.Random(options.seed).shuffle(drawn)
    return [*drawn, *[kills] * lasts]


def _ride_out(run: Run) -> None:
    """Hurt something at even shares of the work, then wait until the batch has ended."""
    from enrichment.batches.progress import progress_of
    from enrichment.engine.db_sessions import persistently
    from enrichment.models.batches import TERMINAL

    disasters = _disasters(run)
    marks = [(number + 1) / (len(disasters) + 1.5) for number in range(len(disasters))]
    until, finished = time.monotonic() + PATIENCE_SECONDS, -1
    while True:
        at = persistently(lambda: progress_of(run.batch_id))
        woken = run.workers.wake_due()
        if woken:
            run.say(at, "the stopped worker wakes")
        if at.status == "paused" or (at.status in TERMINAL and run.web.said == at.status):
            return
        if at.finished != finished or at.waiting:  # or a later round is to come
            finished, until = at.finished, time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > until:
            run.say(at, f"no progress for {PATIENCE_SECONDS:.0f} s: given up")
            return
        if marks and at.finished >= marks[0] * at.total:
            marks.pop(0)
            what, happen = disasters.pop(0)
            run.say(at, what)
            happen()
        time.sleep(LOOK_EVERY_SECONDS)


def _judge(run: Run, *, standing: bool) -> bool:
    """Compare the books with the provider's, print both, and tell whether they agree."""
    from django.db.models import Count, Max, Sum

    from enrichment.batches.progress import progress_of
    from enrichment.listings.models import Animal
    from enrichment.models import EnrichmentResult
    from llmconfig.configuration import snapshot
    from metrics.models import GenerationMetric

    options, workers, web = run.options, run.workers, run.web
    at = progress_of(run.batch_id)
    counted = run.provider.settled()
    results = EnrichmentResult.objects.filter(batch_id=run.batch_id)
    once = results.aggregate(all=Count("pk"), rows=Count("row_id", distinct=True))
    calls = GenerationMetric.objects.aggregate(cost=Sum("cost_usd"), dearest=Max("cost_usd"))
    nothing = Decimal(0)  # where no call is recorded
    applied = results.filter(state="applied").count()
    suggested = results.filter(state="suggested").count()
    failing = 1 if options.failing else 0
    write_at = snapshot.current().setting("LLM_BATCH_DEFAULT_SIZE")
    lane = options.in_flight + write_at
    bound = (workers.kills + workers.stops) * LANES * lane
    bound += options.postgres * WORKERS * LANES * lane
    # A cut or garbled answer is paid for, but doesn't say how much: its attempt tells of it. And a
    # call may have been announced in the moment in which its worker died before it left.
    garbled = _attempts_that_ended("bad_reply")
    recorded = at.calls + at.calls_repaid
    bill, paid_twice = Decimal(counted["cost"]["usd"]), Decimal(counted["cost"]["usd"])
    recorded_usd = at.cost_usd or nothing
    paid_twice -= recorded_usd
    checks = {
        "every row has one result": once["all"] == once["rows"] == at.total,
        "every row is done, but the one that always fails": at.failed == failing
        and at.done == at.total - failing == applied + suggested,
        "every applied row holds its text": applied
        == Animal.objects.filter(enriched_description__isnull=False).count(),
        "the batch's cost is that of its calls, to the last digit": (calls["cost"] or nothing)
        == recorded_usd,
        "every answer that was paid is recorded or counted as paid twice": counted["paid"]
        <= recorded + garbled,
        f"at most what was in flight and one write was paid twice by a disaster ({bound})": (
            at.calls_repaid <= bound
        ),
        "the provider's bill is the recorded cost and that of answers paid twice": 0
        <= paid_twice
        <= (at.calls_repaid + garbled) * (calls["dearest"] or nothing),
        "workers, timers and the web process are there": standing and web.said == at.status,
    }
    happened = f"{workers.kills} workers killed, {workers.stops} stopped past their lease;"
    print(
        f"\n{at.status} in {run.seconds:.0f} s {at.reason}\n"
        f"  {happened} {options.postgres} crashes of PostgreSQL, {options.valkey} of Valkey;"
        f" {options.faults} faults in 1,000 requests\n"
        f"  rows       {at.total}: {applied} applied, {suggested} suggested, {at.failed} failed\n"
        f"  provider   {counted['requests']} requests, {counted['paid']} answers paid, ${bill}\n"
        f"  recorded   {at.calls} answers, ${recorded_usd.normalize():f};"
        f" {at.calls_repaid} paid twice, {garbled} garbled\n"
        f"  difference {counted['paid'] - recorded} answers, ${paid_twice.normalize():f}\n"
        f"  web        {web.answers} answers, {web.refusals} refusals,"
        f" the longest silence {web.longest_silence:.1f} s\n"
    )
    if options.figures:
        faults = (
            f"{workers.kills} kills, {workers.stops} stops, {options.postgres} crashes of"
            f" PostgreSQL, {options.valkey} of Valkey, {options.faults} faults in 1,000"
        )
        # A garbled answer is paid and kept in its call's record.
        books = (counted["paid"], at.calls + garbled, at.calls_repaid)
        row = TrialRow("a batch: workers, servers and provider fail", at.total, faults, *books)
        Path(options.figures).write_text(json.dumps(asdict(row)), encoding="utf-8")
    for row_id, reason in results.filter(state="failed").values_list("row_id", "reason")[:3]:
        print(f"  row {row_id} failed: {reason}")
    for name, held in checks.items():
        print(f"  {'ok ' if held else 'NOT'} {name}")
    return all(checks.values())


def _attempts_that_ended(outcome: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM llm_generation_metrics m, jsonb_array_elements(m.attempts) a"
            " WHERE a ->> 'outcome' = %s",
            [outcome],
        )
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
