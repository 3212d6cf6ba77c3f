"""`manage.py llm_evaluate`: sets of rows, runs over them, and two runs side by side."""

from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from enrichment.batches.cascades import CascadeFigures
from enrichment.batches.progress import counted
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError
from enrichment.evaluations import judges, run_states, runs, sets
from enrichment.evaluations.comparison import RunComparison, compare
from enrichment.evaluations.run_cascade import figures_of
from enrichment.evaluations.run_states import totals_of
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import CaseSource
from enrichment.evaluations.wanted_file import text_of
from enrichment.judging import agreement_in_words, judge_of, why_it_may_not_decide
from enrichment.lane_queue import start_run
from enrichment.models import Transport
from enrichment.models.evaluations import EvaluationRun, EvaluationSet, RunStatus, WantedBy
from llmconfig.errors import LLMError
from llmconfig.runtime.records import asdict

SHOWN = 10
FLAGS = {"file": "--csv", "ids": "--ids", "limit": "--rows", "target_language": "--language"}


class Command(BaseCommand):
    """What the admin's pages do, for terminals and scripts; a run is carried out here and now."""

    help = "Make a set of rows; run a prompt, model or node over it; list and compare runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        making = verbs.add_parser("set", help="Make a set, or its next version.")
        making.add_argument("name")
        making.add_argument("enrichment")
        making.add_argument("--rows", type=int, default=200, help="Drawn by chance.")
        making.add_argument("--ids", nargs="+", help="These rows instead.")
        making.add_argument("--wanted", choices=["review", "row"], default="")
        making.add_argument("--csv", type=Path, help="With the columns row_id and wanted.")
        making.add_argument("--language", default="", help="For translations.")
        making.add_argument("--keep", action="store_true", help="Also the version's before.")
        listing = verbs.add_parser("list", help="The sets, or one set's runs.")
        listing.add_argument("set", nargs="?", default="", help="Whose versions and runs.")
        listing.add_argument("--limit", type=int, default=20, help="At most so many (20).")
        running = verbs.add_parser("run", help="Try something over a set.")
        running.add_argument("set")
        running.add_argument("--set-version", type=int, help="Else the newest.")
        running.add_argument("--model", default="", help="Else the node's own, or cascade.")
        running.add_argument("--node", default="", help="Else the enrichment's.")
        running.add_argument("--prompt", type=int, help="Its version; 0 is the built-in one.")
        running.add_argument("--label", default="")
        running.add_argument("--max-cost", type=Decimal, help="US dollars.")
        running.add_argument(
            "--transport",
            default=Transport.LIVE.value,
            choices=Transport.values,
            help="live, or provider_batch: half the price, within a day.",
        )
        running.add_argument(
            "--detach", action="store_true", help="Queue it for a worker and don't wait."
        )
        going_on = verbs.add_parser(
            "continue", help="Carry on with a run that was left or stopped."
        )
        going_on.add_argument("run", type=UUID)
        going_on.add_argument("--max-cost", type=Decimal, help="Another cap, in US dollars.")
        stopping = verbs.add_parser("stop", help="Ask no more.")
        stopping.add_argument("run", type=UUID)
        comparing = verbs.add_parser("compare", help="Two runs over one set.")
        comparing.add_argument("first", type=UUID)
        comparing.add_argument("second", type=UUID)
        comparing.add_argument(
            "--judge", action="store_true", help="Have the judge compare what differs first."
        )
        judging = verbs.add_parser("judge", help="Hold a judge against reviewers' verdicts.")
        judging.add_argument("enrichment")
        judging.add_argument("--verdicts", type=int, default=100, help="At most so many.")
        for each in (making, listing, running, going_on, stopping, comparing, judging):
            each.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what came of it."""
        try:
            line, told = ACTIONS[options["verb"]](options)
        except (EnrichmentError, LLMError) as error:
            raise CommandError(_by_flag(str(error))) from error
        except EvaluationRun.DoesNotExist as error:
            raise CommandError("There is no such run.") from error
        self.stdout.write(orjson.dumps(told, default=str).decode() if options["json"] else line)


def _by_flag(said: str) -> str:
    """An error that begins with the domain's name of a field, by the flag that was typed."""
    field, colon, why = said.partition(": ")
    return f"{FLAGS[field]}{colon}{why}" if field in FLAGS else said


def _make(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    source = CaseSource(
        ids=options["ids"],
        limit=options["rows"],
        wanted_by=WantedBy(options["wanted"]),
        file=_text(options["csv"]),
    )
    made = sets.make_set(
        options["name"],
        options["enrichment"],
        source,
        variant=options["language"],
        keep=options["keep"],
    )
    cases = made.cases.count()
    wanted = made.cases.filter(wanted__isnull=False).count()
    told = {"name": made.name, "version": made.version, "cases": cases, "wanted": wanted}
    return f"{made}: {counted(cases, 'row')}, the wanted answer of {wanted}.", told


def _list(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The newest sets; of a named one, the newest runs."""
    if options["limit"] < 1:
        raise CommandError(f"--limit: {options['limit']} is below 1.")
    return (_list_runs if options["set"] else _list_sets)(options)


def _list_sets(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    rows = EvaluationSet.objects.annotate(
        rows=Count("cases", distinct=True), run_count=Count("runs", distinct=True)
    ).order_by("-created_at", "-version")[: options["limit"]]
    found: list[dict[str, Any]] = [
        {
            "name": each.name,
            "version": each.version,
            "of": each.of_what,
            "cases": each.rows,
            "runs": each.run_count,
            "note": each.note,
            "created_at": each.created_at,
        }
        for each in rows
    ]
    lines = [
        f"{each['name']} v{each['version']}: {each['of']}, {counted(each['cases'], 'row')},"
        f" {counted(each['runs'], 'run')}, made on {each['created_at']:%Y-%m-%d}."
        for each in found
    ]
    none = "There are no sets yet; make one: llm_evaluate set NAME ENRICHMENT"
    return "\n".join(lines) or none, {"sets": found}


def _list_runs(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = sets.find(options["set"]).name  # tells which there are, if there is no such one
    rows = EvaluationRun.objects.filter(evaluation_set__name=name).select_related("evaluation_set")
    lines, found = [], []
    for run in rows[: options["limit"]]:
        line, told = _told(run)
        lines.append(f"{line} ({run}, {run.created_at:%Y-%m-%d %H:%M} UTC)")
        found.append(
            {
                **told,
                "set_version": run.evaluation_set.version,
                "label": run.label,
                "node": run.node,
                "model": run.model,
                "prompt_version": run.prompt_version,
                "created_at": run.created_at,
            }
        )
    none = f"The set has no runs yet; begin one: llm_evaluate run {name} --model MODEL"
    return "\n".join(lines) or none, {"set": name, "runs": found}


def _text(file: Path | None) -> str:
    """What a file of wanted answers says; "" without one."""
    if file is None:
        return ""
    try:
        text = text_of(file.read_bytes())
    except OSError as error:
        raise CommandError(f"--csv: {file} can't be read ({error.strerror}).") from error
    if not text.strip():
        raise CommandError(f"--csv: {file} is blank.")
    return text


def _run(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    order = RunOrder(
        model=options["model"],
        node=options["node"],
        prompt_version=options["prompt"],
        label=options["label"],
        max_cost_usd=options["max_cost"],
        transport=options["transport"],
    )
    found = sets.find(options["set"], options["set_version"])
    run = runs.begin(found, order, user=None)
    if options["detach"]:
        start_run(run)
        return _told(run)
    return _told(_carried_out(run))


def _continue(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    run = _found(options["run"])
    if run.status == RunStatus.STOPPED:
        run_states.proceed(run, max_cost_usd=options["max_cost"])
    return _told(_carried_out(run))


def _stop(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    run = _found(options["run"])
    run_states.stop(run)
    run.refresh_from_db()
    return _told(run)


def _found(key: UUID) -> EvaluationRun:
    return EvaluationRun.objects.select_related("evaluation_set").get(pk=key)


def _carried_out(run: EvaluationRun) -> EvaluationRun:
    """In this process until it has ended; Ctrl-C leaves it to a worker, or to `continue`."""
    try:
        return runs.carry_out_to_end(run.pk)
    except KeyboardInterrupt as error:
        raise CommandError(f"Left as it is. Go on with: llm_evaluate continue {run.pk}") from error


def _told(run: EvaluationRun) -> tuple[str, dict[str, Any]]:
    totals = totals_of(run)
    told = {"id": run.pk, "status": run.status, "reason": run.status_reason, **asdict(totals)}
    line = (
        f"{run.pk}: {run.status}. {totals.answered} of {totals.cases} answered, {totals.passed}"
        f" pass the gates, ${totals.cost_usd:.4f}"
    )
    unpriced = f" and {totals.unpriced} calls without a price" if totals.unpriced else ""
    cascade = figures_of(run)
    if cascade is not None:
        told["cascade"] = asdict(cascade)
    through = "" if cascade is None else f" {_went_through(cascade)}"
    return f"{line}{unpriced}.{through} {run.status_reason}".strip(), told


def _went_through(cascade: CascadeFigures) -> str:
    """Which rows went where, and what it cost."""
    costs = [
        "at an unknown cost" if each is None else f"for ${each:.4f}"
        for each in (cascade.cheap_usd, cascade.dear_usd)
    ]
    usd = cascade.saving.usd
    saved = "" if usd is None else f" Saved: ${usd:.4f}."
    return (
        f"{cascade.said} {cascade.kept} of {cascade.rows} rows kept the answer of {cascade.model}"
        f" ({cascade.cheap_calls} calls {costs[0]}); the node's own model was asked"
        f" {cascade.dear_calls} times {costs[1]}, {cascade.audited} of them audits, of which"
        f" {cascade.caught} differed.{saved}"
    )


def _judge(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    row = judges.begin_calibration(options["enrichment"], wanted=options["verdicts"], user=None)
    row = judges.calibrate(row.pk)
    names = (
        "status", "status_reason", "model", "verdicts", "kappa", "kappa_low", "kappa_high",
        "pairs", "pairs_right", "pairs_swayed", "swayed_to_first", "cost_usd", "unpriced",
    )  # fmt: skip
    told = {name: getattr(row, name) for name in names}
    told["rests"] = why_it_may_not_decide(judge_of(get(row.enrichment)))
    return f"{agreement_in_words(row)} {told['rests'] or 'It may decide.'}", told


def _compare(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    first, second = _found(options["first"]), _found(options["second"])
    if options["judge"]:
        judges.judge_runs(first, second)
    found = compare(first, second)
    told = {
        "verdict": found.verdict,
        "cases": len(found.cases),
        "differing": found.differing,
        "differences": [
            {**asdict(each), "difference": each.difference, "verdict": each.verdict}
            for each in found.differences
        ],
    }
    return "\n".join(_lines(found)), told


def _lines(found: RunComparison) -> list[str]:
    lines = [found.verdict, f"{found.differing} of {len(found.cases)} cases differ."]
    for each in found.differences:
        interval = "too few cases for an interval"
        if each.low is not None and each.high is not None:
            interval = f"{each.low:+.3f} to {each.high:+.3f}"
        lines.append(f"{each.measure}: {each.first:.3f}, {each.second:.3f} ({interval})")
    lines += [
        f"Row {case.row_id}: {case.first.value!r} | {case.second.value!r}"
        for case in found.cases[:SHOWN]
        if case.differs
    ]
    return lines


ACTIONS = {
    "set": _make,
    "list": _list,
    "run": _run,
    "continue": _continue,
    "stop": _stop,
    "compare": _compare,
    "judge": _judge,
}
