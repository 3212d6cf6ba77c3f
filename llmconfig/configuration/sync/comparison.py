"""The three-way comparison: the file, the database, and what the last sync wrote. No I/O.

What the last sync wrote (`synced_values`) tells who moved: a field that differs from it in the
file was changed there, one that differs in the database was changed in the admin.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field

from llmconfig.configuration.sync.fields import RULES
from llmconfig.configuration.sync.values import FieldRule

# Among the synced values of a node that a sync has made: only such a node may be pruned.
CREATED_MARK: Final = "node_name"
ABSENT: Final = object()


class Standing(StrEnum):
    """How a field of the file stands to the database."""

    SAME = "same"
    CHANGED_IN_FILE = "changed in the file"
    DRIFT = "changed in the database"
    CONFLICT = "changed in both"
    AGREED = "changed alike in both"
    RELEASED = "no longer in the file"


class Side(StrEnum):
    """Whose value a difference ends with."""

    FILE = "yaml"
    DATABASE = "db"


class NodeAction(StrEnum):
    """What the sync does with a node of the nodes file."""

    CREATE = "create"
    UPDATE = "update"
    RECORD = "record"  # the values stay; only what the sync remembers moves
    NOTHING = "nothing"


class StoredNode(Struct, frozen=True):
    """A node's row: its values now, and per field what the last sync wrote."""

    values: Mapping[str, Any]
    synced: Mapping[str, Any]


class FieldDifference(Struct, frozen=True):
    """A field whose value differs, whose value it ends with, and what is known about it."""

    node: str
    field: str
    standing: Standing
    kept: Side
    file: Any
    database: Any


class NodePlan(Struct, frozen=True):
    """What a sync does to one node: the values to write and those to remember."""

    name: str
    action: NodeAction
    values: Mapping[str, Any] = field(default_factory=dict)
    synced: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[FieldDifference, ...] = ()


def standing(*, file: Any, database: Any, synced: Any) -> Standing:
    """Who changed a field; `file` and `synced` may be ABSENT."""
    if file is ABSENT:
        return Standing.SAME if synced is ABSENT else Standing.RELEASED
    if file == database:
        return Standing.SAME if synced == file else Standing.AGREED
    if synced == file:
        return Standing.DRIFT
    return Standing.CHANGED_IN_FILE if synced == database else Standing.CONFLICT


def winner(case: Standing, take: Side | None) -> Side:
    """Whose value a differing field gets.

    Unsettled, drift is kept and a conflict goes to the file. `take=FILE` overrules drift as well;
    `take=DATABASE` keeps the database's side of a conflict.
    """
    if case is Standing.DRIFT:
        return Side.FILE if take is Side.FILE else Side.DATABASE
    if case is Standing.CONFLICT:
        return take or Side.FILE
    return Side.FILE


def plan_node(
    name: str,
    *,
    given: Mapping[str, Any],
    stored: StoredNode | None,
    take: Side | None = None,
    rules: Mapping[str, FieldRule] = RULES,
    owned: bool = True,
) -> NodePlan:
    """What to do with a node of the file; `stored` is None if there is no such row.

    `rules` are those of its fields, a section's for a row of one. A node that isn't `owned` is
    never missed when it leaves the file.
    """
    if stored is None:
        return NodePlan(
            name,
            NodeAction.CREATE,
            values=dict(given),
            synced={**({CREATED_MARK: name} if owned else {}), **given},
            differences=tuple(
                FieldDifference(
                    name, each, Standing.CHANGED_IN_FILE, Side.FILE, value, rules[each].blank
                )
                for each, value in given.items()
                if value != rules[each].blank
            ),
        )
    values: dict[str, Any] = {}
    synced = dict(stored.synced)
    differences = []
    for each, rule in rules.items():
        file, database = given.get(each, ABSENT), stored.values[each]
        case = standing(
            file=file,
            database=database,
            synced=_remembered(stored, each, rule, given=each in given),
        )
        if case is Standing.RELEASED:
            del synced[each]
        elif case is not Standing.SAME or (file is not ABSENT and each not in synced):
            # Also what was refused counts as seen: the same file doesn't ask again.
            synced[each] = file
        if file is ABSENT or file == database:
            continue
        kept = winner(case, take)
        if kept is Side.FILE:
            values[each] = file
        differences.append(FieldDifference(name, each, case, kept, file, database))
    action = NodeAction.UPDATE if values else NodeAction.RECORD
    if not values and synced == dict(stored.synced):
        action = NodeAction.NOTHING
    return NodePlan(name, action, values, synced, tuple(differences))


def _remembered(stored: StoredNode, name: str, rule: FieldRule, *, given: bool) -> Any:
    """What the last sync wrote; for a field new to the file, a blank one is nobody's choice."""
    if name in stored.synced or not given:
        return stored.synced.get(name, ABSENT)
    return rule.blank if stored.values[name] == rule.blank else ABSENT
