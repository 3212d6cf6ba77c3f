"""`manage.py llm_batch`: list batches, and control one."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from decimal import Decimal
from typing import IO, Any, cast
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from enrichment.batches import lifecycle
from enrichment.batches.progress import counted, progress_of
from enrichment.batches.undo import undo
from enrichment.engine.inline import run_inline
from enrichment.errors import EnrichmentError, NoWorkers
from enrichment.lane_queue import start_lanes, work_command
from enrichment.management.batch_command import dollars
from enrichment.models import Batch, BatchStatus
from llmconfig.runtime.records import asdict
from metrics.csv_export import in_full

SHOWN = 20
LEFT_SHOWN = 10


class Command(BaseCommand):
    """What the batch page's buttons do, for terminals and scripts."""

    help = "List batches; show, work on, pause, resume, cancel, retry or undo one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["list", "resume", *ACTIONS], help="What to do.")
        parser.add_argument(
            "id", nargs="?", default="", help="The batch's id, or as much of it as is unique."
        )
        parser.add_argument(
            "--max-cost", type=dollars, metavar="USD", help="Resume under this cap."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what became of it."""
        if options["verb"] == "list":
            self._list(as_json=options["json"])
            return
        if options["max_cost"] is not None and options["verb"] != "resume":
            raise CommandError("--max-cost: only resume takes a new cap.")
        batch = _found(options["id"])
        try:
            if options["verb"] == "resume":
                told, details = _resume(batch, options["max_cost"])
            else:
                told, details = ACTIONS[options["verb"]](batch)
        except EnrichmentError as error:
            raise CommandError(str(error)) from error
        at = progress_of(batch.pk)
        if options["json"]:
            made = {"batch_id": str(batch.pk), "message": told, **asdict(at), **details}
            self.stdout.write(orjson.dumps(made, default=in_full).decode())
            return
        rows, calls = counted(at.total, "row"), counted(at.calls, "call")
        ended = f"{at.done:,} done, {at.skipped:,} skipped, {at.failed:,} failed of {rows}"
        waits = f"No progress: {at.waits_for}" if at.waits_for else ""
        said = (f"{batch}: {at.status}.", told, f"{ended}; {calls}, {at.cost}.", at.reason, waits)
        self.stdout.write(" ".join(each for each in said if each))
        for left in details.get("left", ())[:LEFT_SHOWN]:
            row = " ".join(each for each in (left["row_id"], left["variant"]) if each)
            self.stdout.write(f"  row {row}: {left['reason']}")

    def _list(self, *, as_json: bool) -> None:
        rows = list(Batch.objects.order_by("-created_at")[:SHOWN])
        if as_json:
            told = [{"batch_id": str(row.pk), **asdict(progress_of(row.pk))} for row in rows]
            self.stdout.write(orjson.dumps(told, default=in_full).decode())
            return
        counts = ("done", "skipped", "failed", "rows")
        table = Table("id", "enrichment", "status", *counts, "cost")
        stand_still = []
        for row in rows:
            at = progress_of(row.pk)
            if why := at.waits_for or (at.reason if at.status == BatchStatus.PAUSED else ""):
                stand_still.append(f"{row.pk} makes no progress: {why}")
            figures = [f"{each:,}" for each in (at.done, at.skipped, at.failed, at.total)]
            table.add_row(str(row.pk), row.enrichment, at.status, *figures, str(at.cost))
        console = Console(
            file=cast("IO[str]", self.stdout), width=None if self.stdout.isatty() else 120
        )
        console.print(table)
        for line in stand_still:
            self.stdout.write(line)


Told = tuple[str, dict[str, Any]]  # a sentence, and more for --json


def _found(beginning: str) -> Batch:
    """The batch whose id begins so; raises CommandError."""
    if not beginning:
        raise CommandError("id: say which batch; `llm_batch list` shows them.")
    try:
        found = list(Batch.objects.filter(pk=UUID(beginning)))
    except ValueError:
        found = [
            each
            for each in Batch.objects.order_by("-created_at").iterator()
            if str(each.pk).startswith(beginning.lower())
        ]
    if len(found) != 1:
        many = "several batches begin" if found else "no batch begins"
        raise CommandError(f"id: {many} with {beginning!r}; `llm_batch list` shows them.")
    return found[0]


def _show(batch: Batch) -> Told:
    return "", {"params": batch.params, "enrichment": batch.enrichment}


def _plainly(act: Callable[[Batch], None], told: str) -> Callable[[Batch], Told]:
    def acting(batch: Batch) -> Told:
        act(batch)
        return told, {}

    return acting


def _resume(batch: Batch, max_cost_usd: Decimal | None) -> Told:
    lifecycle.resume(batch, max_cost_usd=max_cost_usd)
    return f"Resumed. {_queued(batch)}", {}


def _retry(batch: Batch) -> Told:
    rows = lifecycle.retry_failed(batch)
    return f"Retrying {counted(rows, 'failed row')}. {_queued(batch)}", {"retried": rows}


def _undo(batch: Batch) -> Told:
    return "", asdict(undo(batch))


def _work(batch: Batch) -> Told:
    """In this process until it has ended; Ctrl-C lets it go when what is in flight is written."""
    stopping = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stopping.set())
    try:
        run_inline(batch.pk, may_go_on=lambda: not stopping.is_set())
    finally:
        signal.signal(signal.SIGINT, before)
    return "", {}


def _queued(batch: Batch) -> str:
    try:
        start_lanes(batch)
    except NoWorkers as error:
        return f"{error} It starts when workers can be told; `{work_command(batch)}` does it here."
    return "Its lanes are queued."


ACTIONS: dict[str, Callable[[Batch], Told]] = {
    "show": _show,
    "work": _work,
    "pause": _plainly(lifecycle.pause, "What was in flight is still written."),
    "cancel": _plainly(lifecycle.cancel, "What is written stays."),
    "retry": _retry,
    "undo": _undo,
}
