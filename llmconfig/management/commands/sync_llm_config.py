"""`manage.py sync_llm_config`: configuration from YAML; prints drift and the place of an error."""

import json
import logging
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError
from django.utils import translation

from llmconfig import project_settings
from llmconfig.configuration.cost_of_changes import CostOfChange, as_markdown, cost_of_change
from llmconfig.configuration.sync import at_start
from llmconfig.configuration.sync.comparison import FieldDifference, NodeAction, Side, Standing
from llmconfig.configuration.sync.export import export, providers_with_keys
from llmconfig.configuration.sync.values import shown
from llmconfig.configuration.sync.writing import SyncPlan, preview, sync, trial
from llmconfig.errors import NodesFileInvalid
from llmconfig.runtime.records import asdict

logger = logging.getLogger("llmconfig.configuration.sync")

DIFFERS = 1
CONFLICTS = 2
ADVICE = (
    "Change the file to match (--export prints it), or let the file win with --take yaml;"
    " docs/nodes.md explains."
)

NOT_SYNCED = (
    "The file says what the database doesn't yet: `manage.py sync_llm_config`, with the same"
    " --file and --prune, brings it in."
)


class Command(BaseCommand):
    """Reads the nodes file, compares three ways, writes in one transaction."""

    help = (
        "Bring what the YAML file holds into the database. At start-up a missing or invalid file"
        " is logged and the exit code stays 0; --strict, --check and --dry-run end with 1 instead."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Flags: what to do, and how to settle differences."""
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="Show the diff, write nothing.")
        mode.add_argument(
            "--check",
            action="store_true",
            help="Write nothing; exit 1 if file and database differ, 2 on a conflict. For CI.",
        )
        mode.add_argument(
            "--export",
            action="store_true",
            help="Print the configuration as YAML: providers, models, prices, budgets and nodes.",
        )
        parser.add_argument(
            "--file",
            action="append",
            help="A nodes file; several --file are read as one. Default: LLM_NODES_FILE.",
        )
        parser.add_argument(
            "--take",
            choices=[side.value for side in Side],
            help="Who wins, whatever LLM_SYNC_POLICY says: yaml overwrites what was changed in the"
            " database, db keeps it where the file changed too.",
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="Remove nodes that a sync made and that are no longer in the file.",
        )
        parser.add_argument(
            "--strict", action="store_true", help="Exit 1 if the file is missing or invalid."
        )
        parser.add_argument(
            "--cost",
            action="store_true",
            help="With --check or --dry-run: what the change would have cost on the last 30 days'"
            " calls, as a table for a pull request.",
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the flags say; raises CommandError with the exit code."""
        if options["export"]:
            self._export(options)
            return
        writes = not (options["check"] or options["dry_run"])
        _check_flags(options, writes=writes)
        given = options["file"] or [str(each) for each in project_settings.nodes_files()]
        paths = [Path(each) for each in ([given] if isinstance(given, str) else given)]
        named = ", ".join(map(str, paths))
        take = Side(options["take"]) if options["take"] else None
        if take is None and not options["check"]:
            take = at_start.policy()
        lenient = writes and not options["strict"]
        logger.info("Loading LLM configurations from... %s", named)
        try:
            run = sync if writes else preview
            plan = run(*paths, take=take, prune=options["prune"])
            cost = _cost(paths, take, options)
        except FileNotFoundError as error:
            self._give_up(
                f"{error.filename} does not exist; set LLM_NODES_FILE or --file.", options, lenient
            )
            return
        except NodesFileInvalid as error:
            said = "\n".join(f"{each.file or named}: {each}" for each in error.problems)
            self._give_up(said, options, lenient, _places(error))
            return
        except (OperationalError, ProgrammingError) as error:
            reason = str(error).partition("\n")[0]
            raise CommandError(
                f"The database can't be used ({reason}): is it up, and has `migrate` run?"
            ) from error
        self._tell(named, plan, cost, options, writes=writes)
        if options["check"]:
            _refuse_differences(plan)

    def _tell(
        self, named: str, plan: SyncPlan, cost: Any, options: Mapping[str, Any], *, writes: bool
    ) -> None:
        """What was done or would be, in the log and on the terminal."""
        if writes:
            _log(plan)
        if options["json"]:
            said = _as_json(named, plan, written=writes)
            self.stdout.write(json.dumps(said | _cost_as_json(cost), indent=2))
        elif not writes:
            self.stdout.write("\n\n".join([_diff(plan), *_cost_lines(cost)]))
        elif not logger.isEnabledFor(logging.INFO):  # a project that logs warnings alone
            self.stdout.write(f"{named}: {plan.totals}.")

    def _export(self, options: Mapping[str, Any]) -> None:
        if options["json"] or options["take"] or options["prune"]:
            raise CommandError("--export prints YAML; leave out --json, --take and --prune.")
        try:
            self.stdout.write(export(), ending="")
            for name in providers_with_keys():
                logger.warning("The key of %s is in the database, and in no file.", name)
        except NodesFileInvalid as error:
            raise CommandError(
                f"The nodes can't be exported, since a nodes file may not hold this: {error}"
            ) from error

    def _give_up(
        self,
        problem: str,
        options: Mapping[str, Any],
        lenient: bool,
        place: Mapping[str, Any] | None = None,
    ) -> None:
        """Report a missing or invalid file; the database is as it was."""
        if options["json"]:
            error = {"message": problem, **(place or {})}
            self.stdout.write(json.dumps({"error": error}, indent=2))
        if not lenient:
            raise CommandError(problem)
        level = logging.ERROR if place else logging.WARNING
        logger.log(level, "LLM config sync skipped, the database stays as it is: %s", problem)


def _places(error: NodesFileInvalid) -> dict[str, Any]:
    """Where the first mistake is, and each of them with its own place."""
    problems = [
        {"message": str(each), "file": each.file, "line": each.line, "field": each.field}
        for each in error.problems
    ]
    return {"line": error.line, "field": error.field, "problems": problems}


def _check_flags(options: Mapping[str, Any], *, writes: bool) -> None:
    """Raises CommandError for flags that contradict each other."""
    if options["check"] and options["take"]:
        raise CommandError("--check writes nothing, so --take has nothing to settle: drop one.")
    if options["cost"] and writes:
        raise CommandError("--cost tells before anything is written: add --check or --dry-run.")


def _cost_lines(found: CostOfChange | None) -> list[str]:
    with translation.override(None):
        return [] if found is None else [as_markdown(found)]


def _cost(
    paths: Sequence[Path], take: Side | None, options: Mapping[str, Any]
) -> CostOfChange | None:
    """What the files would have cost, if asked; raises CommandError without stored calls."""
    if not options["cost"]:
        return None
    before, after = trial(*paths, take=take, prune=options["prune"])
    with translation.override(None):  # as all that commands say
        found = cost_of_change(before, after)
    if found is None:
        raise CommandError("--cost needs past calls: add `metrics` to INSTALLED_APPS.")
    return found


def _cost_as_json(found: CostOfChange | None) -> dict[str, Any]:
    if found is None:
        return {}
    nodes = [
        {**asdict(each), "difference": asdict(each.difference) if each.difference else None}
        for each in found.nodes
    ]
    total = asdict(found.total) if found.total else None
    return {"cost": {"days": found.days, "nodes": nodes, "difference_usd": total}}


def _diff(plan: SyncPlan) -> str:
    """What a sync would do, for people; one text, so that `| head` cuts it without a complaint."""
    lines = []
    for node in plan.nodes:
        if node.action is NodeAction.CREATE or node.differences:
            lines.append(f"{node.name} (new)" if node.action is NodeAction.CREATE else node.name)
            lines += [f"  {_described(each)}" for each in node.differences]
    for name in plan.left:
        fate = "is removed" if name in plan.removed else "--prune removes it"
        lines.append(f"{name}: no longer in the file; {fate}")
    lines += plan.notes
    return "\n".join([*lines, f"Nothing was written. A sync would make it: {plan.totals}"])


def _described(each: FieldDifference) -> str:
    database, file = shown(each.database), shown(each.file)
    if each.kept is Side.FILE:
        return f"{each.field}: {database} -> {file} ({each.standing})"
    return f"{each.field}: stays {database}, the file has {file} ({each.standing})"


def _log(plan: SyncPlan) -> None:
    """The last line, after what a person should know about drift and conflicts."""
    for each in plan.differences:
        if each.standing in {Standing.DRIFT, Standing.CONFLICT}:
            logger.warning("LLM config %s.%s", each.node, _described(each))
    for name in plan.left:
        fate = "removed" if name in plan.removed else "kept; --prune removes it"
        logger.info("LLM config %s is no longer in the file: %s.", name, fate)
    for note in plan.notes:
        logger.warning("LLM config %s", note)
    logger.info("LLM config sync complete: %s", plan.totals)


def _refuse_differences(plan: SyncPlan) -> None:
    if plan.conflicts:
        raise CommandError(
            f"{len(plan.conflicts)} conflict(s): changed in the file and in the database."
            " Settle with --take yaml or --take db.",
            returncode=CONFLICTS,
        )
    if not plan.is_settled:
        moved = any(each.standing is Standing.DRIFT for each in plan.differences)
        said = f"File and database differ. {ADVICE}" if moved else NOT_SYNCED
        raise CommandError(said, returncode=DIFFERS)


def _as_json(named: str, plan: SyncPlan, *, written: bool) -> dict[str, Any]:
    return {
        "file": named,
        "written": written,
        "revision": plan.revision,
        "total": len(plan.nodes),
        "created": plan.names(NodeAction.CREATE),
        "updated": plan.names(NodeAction.UPDATE),
        "unchanged": plan.names(NodeAction.RECORD, NodeAction.NOTHING),
        "removed": list(plan.removed),
        "left_file": list(plan.left),
        "notes": list(plan.notes),
        "differences": [
            {
                "node": each.node,
                "field": each.field,
                "standing": each.standing.name.lower(),
                "kept": each.kept,
                "file": each.file,
                "database": each.database,
            }
            for each in plan.differences
        ],
    }
