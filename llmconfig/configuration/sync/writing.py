"""From a nodes file to the table: plan, then write all of it or nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone
from msgspec import Struct

from llmconfig.configuration import revisions, snapshot
from llmconfig.configuration.cascade_rules import refuse_unworkable
from llmconfig.configuration.listing import unlisted
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.configuration.sync import nodes_file, rows
from llmconfig.configuration.sync.comparison import (
    CREATED_MARK,
    FieldDifference,
    NodeAction,
    NodePlan,
    Side,
    Standing,
    StoredNode,
    plan_node,
)
from llmconfig.configuration.sync.fields import RULES
from llmconfig.configuration.sync.sections import SECTIONS
from llmconfig.configuration.sync.strict_yaml import Problems
from llmconfig.errors import ChangeRefused, NodesFileInvalid
from llmconfig.models import NodeConfiguration, Provider, ProviderModel
from llmconfig.runtime import advisory_locks
from llmconfig.runtime.records import replace


class SyncPlan(Struct, frozen=True):
    """What a sync does, or has done: a plan for each entry of the file, and what left it.

    `left` are nodes that a sync once made and the file no longer has; `removed` those of them that
    are deleted. `revision` is the configuration's new number, None if no configuration changed.
    `notes` say what doesn't work yet, and what is missing.
    """

    nodes: tuple[NodePlan, ...]
    left: tuple[str, ...]
    removed: tuple[str, ...]
    revision: int | None = None
    notes: tuple[str, ...] = ()

    def names(self, *actions: NodeAction) -> list[str]:
        """The nodes that have one of these actions."""
        return [each.name for each in self.nodes if each.action in actions]

    @property
    def differences(self) -> list[FieldDifference]:
        """Every field that differs, in the file's order."""
        return [difference for each in self.nodes for difference in each.differences]

    @property
    def conflicts(self) -> list[FieldDifference]:
        """The fields that both sides changed."""
        return [each for each in self.differences if each.standing is Standing.CONFLICT]

    @property
    def is_settled(self) -> bool:
        """Whether file and database say the same: nothing to write, and no drift."""
        return not (self.differences or self.removed or self.names(NodeAction.CREATE))

    @property
    def totals(self) -> str:
        """The counts; `updated` are only the nodes whose values changed."""
        parts = [
            f"{len(self.nodes)} total",
            f"{len(self.names(NodeAction.CREATE))} created",
            f"{len(self.names(NodeAction.UPDATE))} updated",
            f"{len(self.names(NodeAction.RECORD, NodeAction.NOTHING))} unchanged",
        ]
        return ", ".join([*parts, f"{len(self.removed)} removed"] if self.removed else parts)


def preview(*paths: Path, take: Side | None = None, prune: bool = False) -> SyncPlan:
    """What `sync` would do now; writes nothing. Raises as `sync` does."""
    return preview_entries(_read_all(paths), take=take, prune=prune)


def sync(*paths: Path, take: Side | None = None, prune: bool = False) -> SyncPlan:
    """Bring the database to what the files say, in one transaction.

    Raises FileNotFoundError, and NodesFileInvalid; the database is then as it was.
    """
    named = ", ".join(path.name for path in paths)
    return sync_entries(_read_all(paths), named=named, take=take, prune=prune)


def trial(*paths: Path, take: Side | None = None, prune: bool = False) -> tuple[Snapshot, Snapshot]:
    """The configuration before and after a `sync`, which is taken back. Raises as `sync` does."""
    with transaction.atomic():
        before = snapshot.load()
        sync(*paths, take=take, prune=prune)
        after = snapshot.load()
        transaction.set_rollback(True)
    snapshot.expire()
    return before, after


def _read_all(paths: Sequence[Path]) -> tuple[nodes_file.NodeEntry, ...]:
    """What several files hold together; raises as `sync` does, also for what two of them hold.

    Of files with mistakes, what is right is looked at beside the database, so that all is told.
    """
    found: dict[str, nodes_file.NodeEntry] = {}
    problems = Problems()
    for path in paths:
        for entry in nodes_file.read(path, problems):
            if entry.path not in found:
                found[entry.path] = entry
                continue
            twice = f"{path.name} holds this as well as another file; keep one of them."
            problems.found.append(entry.wrong(twice))
    # Nodes that name a model or provider whose own lines are wrong would be blamed for it.
    if problems.found and all(_is_of_a_node(each.field) for each in problems.found):
        with problems.collected(), suppress(OperationalError, ProgrammingError):
            preview_entries(tuple(found.values()))
    problems.refuse()
    return tuple(found.values())


def _is_of_a_node(field: str) -> bool:
    return bool(field) and field.partition(".")[0] not in SECTIONS


def preview_entries(
    entries: Sequence[nodes_file.NodeEntry],
    *,
    take: Side | None = None,
    prune: bool = False,
    owned: bool = True,
) -> SyncPlan:
    """What `sync_entries` would do now: nodes are checked with the rows beside them in place."""
    with transaction.atomic():
        found = _SyncState(entries, locks=False)
        plan = found.plan(take=take, prune=prune, owned=owned)
        if found.writes_rows(plan):
            with revisions.change(source="yaml"):
                found.write_rows(plan)
                notes = found.check_nodes(plan)
            transaction.set_rollback(True)
        else:
            notes = found.check_nodes(plan)
    snapshot.expire()
    return replace(plan, notes=notes)


def sync_entries(
    entries: Sequence[nodes_file.NodeEntry],
    *,
    named: str,
    take: Side | None = None,
    prune: bool = False,
    owned: bool = True,
) -> SyncPlan:
    """Bring the database to these entries of the file `named`, in one transaction.

    Entries that aren't `owned` are never missed when they leave the file. Raises NodesFileInvalid;
    the database is then as it was.
    """
    with transaction.atomic():
        _wait_for_turn()
        found = _SyncState(entries, locks=True)
        plan = found.plan(take=take, prune=prune, owned=owned)
        with revisions.change(source="yaml", message=f"{named}: {plan.totals}") as change:
            found.write_rows(plan)
            notes = found.check_nodes(plan)
            for node in plan.nodes:
                if not found.entries[node.name].section:
                    _write(node, found.nodes.get(node.name))
            found.remove(plan)
    return replace(plan, revision=change.number, notes=notes)


def stored(row: NodeConfiguration) -> StoredNode:
    """A row as the comparison sees it."""
    return StoredNode({name: getattr(row, name) for name in RULES}, row.synced_values)


class _SyncState:
    """What the files and the database hold now."""

    def __init__(self, entries: Sequence[nodes_file.NodeEntry], *, locks: bool) -> None:
        self.entries = {entry.path: entry for entry in entries}
        nodes = NodeConfiguration.objects.order_by("node_name")
        found = nodes.select_for_update() if locks else nodes
        self.nodes = {row.node_name: row for row in found}
        self.rows = {
            section: rows.rows_of(
                section, [entry.name for entry in entries if entry.section == section]
            )
            for section in SECTIONS
        }

    def plan(self, *, take: Side | None, prune: bool, owned: bool) -> SyncPlan:
        """What a sync does, before anything is checked against the rest of the database."""
        plans = []
        for path, entry in self.entries.items():
            plans.append(
                plan_node(
                    path,
                    given=entry.values,
                    stored=self._stored(entry.section, entry.name),
                    take=take,
                    rules=SECTIONS[entry.section].rules if entry.section else RULES,
                    owned=owned,
                )
            )
        left = tuple(
            path
            for path, synced in self._remembered()
            if owned and path not in self.entries and CREATED_MARK in synced
        )
        return SyncPlan(nodes=tuple(plans), left=left, removed=left if prune else ())

    def _stored(self, section: str, name: str) -> StoredNode | None:
        if not section:
            row = self.nodes.get(name)
            return None if row is None else stored(row)
        found = self.rows[section].get(name)
        return None if found is None else rows.stored(section, found)

    def _remembered(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """What the last sync wrote, by a row's name with its section."""
        yield from ((name, row.synced_values) for name, row in self.nodes.items())
        for section, found in self.rows.items():
            for name, row in found.items():
                yield f"{section}.{name}", rows.stored(section, row).synced

    def writes_rows(self, plan: SyncPlan) -> bool:
        """Whether rows of sections change."""
        return any(
            self.entries[each.name].section
            for each in plan.nodes
            if each.action in {NodeAction.CREATE, NodeAction.UPDATE}
        )

    def write_rows(self, plan: SyncPlan) -> None:
        """Write the sections in an order in which each row finds those that it needs."""
        for section in SECTIONS:
            entries = [
                (each, self.entries[each.name])
                for each in plan.nodes
                if self.entries[each.name].section == section
            ]
            rows.write(section, entries, self.rows[section])

    def check_nodes(self, plan: SyncPlan) -> tuple[str, ...]:
        """Refuse names that are taken and models that nobody lists; raises NodesFileInvalid.

        Returns what can't work yet.
        """
        notes: list[str] = []
        nodes = [entry for entry in self.entries.values() if not entry.section]
        problems = Problems()
        problems.found += _taken_names([entry for entry in nodes if entry.name not in self.nodes])
        for each in plan.nodes:
            entry = self.entries[each.name]
            if not entry.section:
                with problems.collected():
                    notes += _refuse_what_cannot_work(each, self._stored("", entry.name), entry)
        problems.refuse()
        return tuple(notes)

    def remove(self, plan: SyncPlan) -> None:
        """Remove what left the file: nodes first, since they name the others."""
        NodeConfiguration.objects.filter(node_name__in=plan.removed).delete()
        for section in reversed(tuple(SECTIONS)):
            gone = [
                row
                for name, row in self.rows[section].items()
                if f"{section}.{name}" in plan.removed
            ]
            rows.remove(section, gone)


def _taken_names(entries: Sequence[nodes_file.NodeEntry]) -> Iterator[NodesFileInvalid]:
    """A new node must not hide what calls by that name reach today."""
    names = [entry.name for entry in entries]
    models = ProviderModel.objects.filter(model_id__in=names).values_list("model_id", flat=True)
    providers = Provider.objects.filter(name__in=names).values_list("name", flat=True)
    taken = {
        **dict.fromkeys(models, "a listed model"),
        **dict.fromkeys(providers, "a provider"),
    }
    for entry in entries:
        if entry.name in taken and not _calls_its_namesake(entry):
            yield entry.wrong(
                f"this is the name of {taken[entry.name]}, and calls by name would be ambiguous;"
                " choose another."
            )


def _calls_its_namesake(entry: nodes_file.NodeEntry) -> bool:
    """Whether its model is the one of its name: calls by that name get it as before."""
    model = str(entry.values.get("default_model", ""))
    return model == entry.name or model.endswith(f"/{entry.name}")


def _refuse_what_cannot_work(
    plan: NodePlan, row: StoredNode | None, entry: nodes_file.NodeEntry
) -> list[str]:
    """A file serves many installations: there, a provider that lists the model may be disabled, and
    a judge not be calibrated yet. Returns what rests until then.
    """
    old = {} if row is None else row.values
    new = {"node_name": plan.name, **old, **plan.values}
    problems = Problems()
    problems.found += [
        entry.wrong(str(each), each.field)
        for each in unlisted(NodeConfiguration, new, old, listed_by_disabled=True)
    ]
    problems.refuse()
    if not entry.complete:
        return []  # whether its fields fit each other can't be said of half of them
    try:
        resting = refuse_unworkable(new, old, may_rest=True)
    except ChangeRefused as refusal:
        raise entry.wrong(str(refusal), refusal.field) from refusal
    return [f"{plan.name}.{each.column}: {each.meanwhile}" for each in resting]


def _write(plan: NodePlan, row: NodeConfiguration | None) -> None:
    if plan.action is NodeAction.NOTHING:
        return
    if row is None:
        NodeConfiguration.objects.create(
            node_name=plan.name, synced_values=plan.synced, **plan.values
        )
        return
    columns: dict[str, Any] = {"synced_values": plan.synced, **plan.values}
    if plan.values:
        columns["updated_at"] = timezone.now()
    NodeConfiguration.objects.filter(pk=row.pk).update(**columns)


def _wait_for_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_locks.NODES_SYNC])
