"""What the commands that make a batch share: the flags, the progress bar, the summary."""

import re
import selectors
import sys
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from enrichment.batches import creation, lifecycle
from enrichment.batches.progress import counted, progress_of
from enrichment.batches.staleness import ALL_REASONS, DEFAULT_REASONS, Reason
from enrichment.engine.inline import run_inline
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError, NotAllowedNow, NoWorkers
from enrichment.forecast import HALF_ASSUMED, Forecast, forecast
from enrichment.lane_queue import start_lanes
from enrichment.models import Batch, BatchStatus, ResultState, Transport
from enrichment.models.batches import TERMINAL
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.errors import LLMError
from llmconfig.runtime.records import asdict
from metrics.csv_export import in_full

LOOK_EVERY_SECONDS = 0.5
DATABASE_AWAY = "The database can't be reached; it goes on when that is back."
STOP = "s"  # typed by whoever doesn't want to wait


class BatchCommand(BaseCommand):
    """Selects rows, makes a batch and watches it; Ctrl-C leaves the batch to the workers."""

    enrichment: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The flags that choose rows, and how to run."""
        parser.add_argument("-o", "--organization", default="", help="Only this slug's rows.")
        parser.add_argument("-l", "--limit", type=int, help="At most this many rows.")
        parser.add_argument("--ids", default="", help="Only rows with these keys: 1,2,3.")
        parser.add_argument(
            "-b", "--batch-size", type=int, help="Finished rows that start a write (1 to 25)."
        )
        parser.add_argument(
            "--max-cost",
            type=dollars,
            metavar="USD",
            help="Pause when it has cost this much.",
        )
        parser.add_argument(
            "--priority",
            type=int,
            default=0,
            help="Five more is twice the share of workers and of a provider's limits.",
        )
        parser.add_argument(
            "--transport",
            default=Transport.LIVE.value,
            choices=[*Transport.values, creation.AUTO],
            help="live, provider_batch (half the price, within a day), or auto.",
        )
        parser.add_argument(
            "--within", type=float, metavar="HOURS", help="For auto: when it has to be done."
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done.")
        parser.add_argument(
            "--stale",
            default="",
            metavar="REASONS",
            help="Which rows need work: of never, undone, input, prompt, facts and model, with"
            " commas between. Left out: never,undone,input.",
        )
        parser.add_argument("--force", action="store_true", help="Redo rows that are fresh.")
        parser.add_argument(
            "--inline", action="store_true", help="Work in this process, without Celery."
        )
        parser.add_argument("--detach", action="store_true", help="Queue it and don't wait.")
        parser.add_argument("--json", action="store_true", help="Print the outcome as JSON.")

    def variants(self, options: dict[str, Any]) -> tuple[str, ...]:
        """The languages, where the enrichment has any."""
        return ("",)

    def handle(self, *args: Any, **options: Any) -> None:
        """Validate, make the batch, run or watch it, tell how it ended."""
        _check_flags(options)
        selection = creation.Selection(
            organization=options["organization"],
            limit=options["limit"],
            ids=_keys(options["ids"]),
            force=options["force"],
            stale=_reasons(options["stale"]),
            variants=self.variants(options),
        )
        terms = creation.Terms(
            max_cost_usd=options["max_cost"],
            priority=options["priority"],
            transport=options["transport"],
            within_hours=options["within"],
        )
        try:
            if options["dry_run"]:
                creation.check_order(
                    get(self.enrichment), write_size=options["batch_size"], terms=terms
                )
                self._preview(selection, as_json=options["json"])
                return
            resolve(get(self.enrichment).node, snapshot=snapshot.current())
            batch = creation.create(
                self.enrichment, selection, write_size=options["batch_size"], terms=terms
            )
        except (EnrichmentError, LLMError) as error:
            raise CommandError(str(error)) from error
        if batch.status != BatchStatus.COMPLETED and not self._set_going(batch, options):
            return
        self._tell(batch, as_json=options["json"])

    def _preview(self, selection: creation.Selection, *, as_json: bool) -> None:
        """Rows, model and cost; calls nobody and changes nothing."""
        found = forecast(self.enrichment, selection)
        if as_json:
            self.stdout.write(orjson.dumps(asdict(found)).decode())
            return
        tokens = round(found.tokens_input.p50), round(found.tokens_output.p50)
        self.stdout.write(
            f"{get(self.enrichment).label}: {counted(found.rows, 'row')} to be worked on,"
            f" {found.calls:,} calls; {found.provider}/{found.model} would answer.\n"
            f"About {tokens[0]:,} tokens in and {tokens[1]:,} out. {_cost_line(found)}\n"
            f"{found.basis} Nothing was called or changed."
        )

    def _set_going(self, batch: Batch, options: dict[str, Any]) -> bool:
        """Run or queue the batch; False when there is nothing to wait for."""
        if options["inline"]:
            self._run_here(batch, quiet=options["json"])
            return True
        try:
            start_lanes(batch)
        except NoWorkers as error:
            raise CommandError(
                f"{error} Batch {batch.pk} is stored and starts when workers can be told; or run"
                " the command with --inline."
            ) from error
        if options["detach"]:
            queued = f"Batch {batch.pk} with {counted(batch.rows_total, 'row')} is queued."
            self.stdout.write(_as_json(batch) if options["json"] else queued)
            return False
        self._watch(batch, quiet=options["json"])
        return True

    def _run_here(self, batch: Batch, *, quiet: bool) -> None:
        """Work in a thread of our own; this one shows how far it is and hears Ctrl-C."""
        stopping = threading.Event()
        failure: list[Exception] = []

        def work() -> None:
            try:
                run_inline(batch.pk, may_go_on=lambda: not stopping.is_set())
            except Exception as error:  # noqa: BLE001 - carried to the command's thread below
                failure.append(error)
            finally:
                connection.close()

        worker = threading.Thread(target=work, name="inline-lane")
        worker.start()
        try:
            self._show(batch, quiet=quiet, going=worker.is_alive)
        except KeyboardInterrupt:
            stopping.set()
            lifecycle.pause(batch)
            self.stderr.write("Stopping; calls in flight are still written.")
        worker.join()
        if failure:
            raise failure[0]

    def _watch(self, batch: Batch, *, quiet: bool) -> None:
        def going() -> bool:
            status = Batch.objects.values_list("status", flat=True).get(pk=batch.pk)
            return status not in {*TERMINAL, BatchStatus.PAUSED}

        try:
            self._show(batch, quiet=quiet, going=going)
        except KeyboardInterrupt:
            raise CommandError(
                f"No longer watching; batch {batch.pk} goes on in the workers."
            ) from None

    def _show(self, batch: Batch, *, quiet: bool, going: Callable[[], bool]) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} rows/s  {task.fields[cost]}"),
            TimeElapsedColumn(),
        )
        label = get(self.enrichment).label
        with Bar(*columns, console=Console(stderr=True), disable=quiet) as bar:
            task = bar.add_task(label, total=batch.rows_total, rate=0.0, cost="")
            more, said = True, ""
            while more:
                try:
                    more, at = going(), progress_of(batch.pk)
                except (OperationalError, InterfaceError):
                    connection.close()
                    waits_for = DATABASE_AWAY
                else:
                    rate, cost = at.rows_per_second, str(at.cost)
                    bar.update(task, completed=at.finished, rate=rate, cost=cost)
                    waits_for = at.waits_for
                if waits_for and _same_words(waits_for) != said:
                    said = _same_words(waits_for)
                    self._say_why(waits_for)
                if more:
                    self._pause_if_asked(batch)
                    time.sleep(LOOK_EVERY_SECONDS)

    def _say_why(self, waits_for: str) -> None:
        offer = f" Type {STOP} and Enter to pause the batch." if sys.stdin.isatty() else ""
        self.stderr.write(f"No progress: {waits_for}{offer}")

    def _pause_if_asked(self, batch: Batch) -> None:
        if not sys.stdin.isatty():
            return
        with selectors.DefaultSelector() as typed:
            typed.register(sys.stdin, selectors.EVENT_READ)
            if not typed.select(0):
                return
        if sys.stdin.readline().strip().lower() == STOP:
            with suppress(NotAllowedNow):
                lifecycle.pause(batch)

    def _tell(self, batch: Batch, *, as_json: bool) -> None:
        at = progress_of(batch.pk)
        if as_json:
            self.stdout.write(_as_json(batch))
        else:
            left_out = f" ({at.cost.left_out})" if at.unpriced_calls else ""
            suggested = batch.results.filter(state=ResultState.SUGGESTED).count()
            review = f" ({suggested:,} of them suggestions for review)" if suggested else ""
            self.stdout.write(
                f"{get(self.enrichment).label}: {at.done:,} done{review}, {at.skipped:,} skipped,"
                f" {at.failed:,} failed of {counted(at.total, 'row')}; {counted(at.calls, 'call')},"
                f" {counted(at.tokens, 'token')}, {at.cost}{left_out}, {at.seconds:.1f} s."
                + (f" {at.reason}" if at.reason else "")
            )
        if at.status != BatchStatus.COMPLETED or at.failed:
            rows = f" with {counted(at.failed, 'failed row')}" if at.failed else ""
            listed = " The admin lists them with their reasons." if at.failed else ""
            raise CommandError(
                f"Batch {batch.pk} is {at.status}{rows}. {at.reason}".rstrip() + listed,
                returncode=3,
            )


def _check_flags(options: dict[str, Any]) -> None:
    """Raises CommandError for flags that contradict each other."""
    if options["inline"] and options["detach"]:
        raise CommandError(
            "--inline works in this process and --detach waits for none: drop one of them."
        )
    if options["within"] is not None and options["transport"] == Transport.LIVE:
        raise CommandError("--within is for --transport auto: add that, or leave it out.")


def _as_json(batch: Batch) -> str:
    """The batch as it stands, for scripts."""
    told = {"batch_id": str(batch.pk), **asdict(progress_of(batch.pk))}
    return orjson.dumps(told, default=in_full).decode()


def _same_words(text: str) -> str:
    """The text without its numbers, which change each second."""
    return re.sub(r"[\d.]+", "", text)


def _cost_line(found: Forecast) -> str:
    """The range that eight batches of ten will end in."""
    if found.cost_usd is None:
        return f"The price of {found.model} is unknown: enter one to see the cost."
    cost, half = found.cost_usd, found.cost_provider_batch_usd
    line = f"Cost: {_about(cost.p50)}"
    if cost.p90:
        line += f", in eight cases of ten {_about(cost.p10)} to {_about(cost.p90)}"
    if half is None:
        return f"{line}."
    assumed = f" ({HALF_ASSUMED})" if found.batch_price_assumed else ""
    return f"{line}; as a provider batch {_about(half.p50)}{assumed}."


def _about(usd: float) -> str:
    """An estimate of money; what costs nothing has no decimals."""
    return f"${usd:.4f}" if usd else "$0"


def dollars(text: str) -> Decimal:
    """An amount of money; raises argparse's error for what is none."""
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r} is no amount of dollars such as 2.50") from None
    if not amount.is_finite():
        raise ArgumentTypeError(f"{text!r} is no amount of dollars such as 2.50")
    return amount


def _keys(text: str) -> list[str] | None:
    """The keys of `--ids`, None when the flag is not used."""
    return [word for word in text.split(",") if word.strip()] if text else None


def _reasons(text: str) -> frozenset[Reason]:
    """The reasons of `--stale`; raises CommandError naming the flag."""
    if not text:
        return DEFAULT_REASONS
    words = frozenset(word.strip() for word in text.split(","))
    unknown = words - ALL_REASONS
    if unknown:
        known = ", ".join(sorted(ALL_REASONS))
        raise CommandError(f"--stale: {min(unknown)!r} is no reason; there are {known}.")
    return frozenset(Reason(word) for word in words)
