"""From a nodes file to the table: plan, then write all of it or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from llmconfig.configuration import revisions
from llmconfig.configuration.listing import refuse_unlisted
from llmconfig.configuration.sync import nodes_file
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
from llmconfig.configuration.sync.strict_yaml import invalid
from llmconfig.errors import ChangeRefused
from llmconfig.models import NodeConfiguration, Provider, ProviderModel
from llmconfig.runtime import advisory_locks


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync does, or has done: a plan for each node of the file, and the nodes that left it.

    `left` are nodes that a sync once made and the file no longer has; `removed` those of them that
    are deleted. `revision` is the configuration's new number, None if no configuration changed.
    """

    nodes: tuple[NodePlan, ...]
    left: tuple[str, ...]
    removed: tuple[str, ...]
    revision: int | None = None

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


def preview(path: Path, *, take: Side | None = None, prune: bool = False) -> SyncPlan:
    """What `sync` would do now; writes nothing. Raises as `sync` does."""
    entries = nodes_file.read(path)
    return _plan(entries, NodeConfiguration.objects.all(), take=take, prune=prune)


def sync(path: Path, *, take: Side | None = None, prune: bool = False) -> SyncPlan:
    """Bring the table of nodes to what the file says, in one transaction.

    Raises FileNotFoundError, and NodesFileInvalid; the database is then as it was.
    """
    entries = nodes_file.read(path)
    with transaction.atomic():
        _wait_for_turn()
        rows = {row.node_name: row for row in NodeConfiguration.objects.select_for_update()}
        plan = _plan(entries, rows.values(), take=take, prune=prune)
        with revisions.change(source="yaml", message=f"{path.name}: {plan.totals}") as change:
            for node in plan.nodes:
                _write(node, rows.get(node.name))
            NodeConfiguration.objects.filter(node_name__in=plan.removed).delete()
    return SyncPlan(plan.nodes, plan.left, plan.removed, revision=change.number)


def stored(row: NodeConfiguration) -> StoredNode:
    """A row as the comparison sees it."""
    return StoredNode({name: getattr(row, name) for name in RULES}, row.synced_values)


def _plan(
    entries: Sequence[nodes_file.NodeEntry],
    rows: Iterable[NodeConfiguration],
    *,
    take: Side | None,
    prune: bool,
) -> SyncPlan:
    found = {row.node_name: stored(row) for row in rows}
    named = {entry.name for entry in entries}
    _refuse_taken_names([entry for entry in entries if entry.name not in found])
    left = tuple(
        name for name, node in found.items() if name not in named and CREATED_MARK in node.synced
    )
    plans = {
        entry.line: plan_node(
            entry.name, given=entry.values, stored=found.get(entry.name), take=take
        )
        for entry in entries
    }
    for line, node in plans.items():
        _refuse_unlisted_models(node, found.get(node.name), line)
    return SyncPlan(
        nodes=tuple(plans.values()),
        left=left,
        removed=left if prune else (),
    )


def _refuse_taken_names(entries: Sequence[nodes_file.NodeEntry]) -> None:
    """A new node must not hide what calls by that name reach today."""
    names = [entry.name for entry in entries]
    models = ProviderModel.objects.filter(model_id__in=names).values_list("model_id", flat=True)
    providers = Provider.objects.filter(name__in=names).values_list("name", flat=True)
    taken = {
        **dict.fromkeys(models, "a listed model"),
        **dict.fromkeys(providers, "a provider"),
    }
    for entry in entries:
        if entry.name in taken:
            raise invalid(
                f"this is the name of {taken[entry.name]}, and calls by name would be ambiguous;"
                " choose another.",
                line=entry.line,
                field=entry.name,
            )


def _refuse_unlisted_models(plan: NodePlan, row: StoredNode | None, line: int) -> None:
    """A file serves many installations: there, a provider that lists the model may be disabled."""
    old = {} if row is None else row.values
    try:
        refuse_unlisted(NodeConfiguration, {**old, **plan.values}, old, listed_by_disabled=True)
    except ChangeRefused as refusal:
        raise invalid(str(refusal), line=line, field=f"{plan.name}.{refusal.field}") from refusal


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
