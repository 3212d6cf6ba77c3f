"""The three-way rules: three states of the file times three of the database, and who wins."""

import pytest

from llmconfig.configuration.sync.comparison import (
    ABSENT,
    NodeAction,
    Side,
    Standing,
    StoredNode,
    plan_node,
    standing,
)
from llmconfig.configuration.sync.fields import RULES, blank

OLD, NEW, OTHER = "old", "new", "other"


@pytest.mark.parametrize(
    ("file", "database", "synced", "expected"),
    [
        (OLD, OLD, OLD, Standing.SAME),
        (NEW, OLD, OLD, Standing.CHANGED_IN_FILE),
        (OLD, NEW, OLD, Standing.DRIFT),
        (NEW, NEW, OLD, Standing.AGREED),
        (NEW, OTHER, OLD, Standing.CONFLICT),
        (ABSENT, OLD, OLD, Standing.RELEASED),
        (ABSENT, OLD, ABSENT, Standing.SAME),
        (OLD, OLD, ABSENT, Standing.AGREED),
        (NEW, OLD, ABSENT, Standing.CONFLICT),
    ],
)
def test_what_the_last_sync_wrote_tells_who_changed_a_field(file, database, synced, expected):
    assert standing(file=file, database=database, synced=synced) is expected


def node(model, synced) -> StoredNode:
    values = {name: blank(name) for name in RULES} | {"default_model": model}
    return StoredNode(values, synced)


@pytest.mark.parametrize(
    ("database", "take", "written", "remembered"),
    [
        ("old", None, "new", "new"),
        ("old", Side.DATABASE, "new", "new"),  # only a conflict can be kept
        ("other", None, "new", "new"),  # conflict: the file, as at start-up
        ("other", Side.FILE, "new", "new"),
        ("other", Side.DATABASE, None, "new"),  # kept, and the file's value counts as seen
        ("new", None, None, "new"),
    ],
)
def test_a_change_in_the_file_is_settled(database, take, written, remembered):
    plan = plan_node(
        "n",
        given={"default_model": "new"},
        stored=node(database, {"default_model": "old"}),
        take=take,
    )
    assert plan.values.get("default_model") == written
    assert plan.synced["default_model"] == remembered


def test_drift_is_kept_unless_the_file_is_to_win():
    stored = node("other", {"default_model": "old"})
    kept = plan_node("n", given={"default_model": "old"}, stored=stored)
    assert kept.action is NodeAction.NOTHING
    assert kept.differences[0].standing is Standing.DRIFT
    taken = plan_node("n", given={"default_model": "old"}, stored=stored, take=Side.FILE)
    assert taken.values == {"default_model": "old"}


def test_a_field_that_nobody_set_is_not_a_conflict_when_the_file_begins_to_give_it():
    plan = plan_node("n", given={"default_model": "new"}, stored=node("", {}))
    assert plan.differences[0].standing is Standing.CHANGED_IN_FILE


def test_a_field_that_left_the_file_is_forgotten_and_keeps_its_value():
    plan = plan_node("n", given={}, stored=node("old", {"default_model": "old"}))
    assert (plan.action, dict(plan.values), dict(plan.synced)) == (NodeAction.RECORD, {}, {})
