"""Records of both kinds are copied and told alike."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from msgspec import Struct

from llmconfig.runtime.records import asdict, field_names, is_record, replace


class Pair(NamedTuple):
    one: Any
    other: Any


class Inner(Struct, frozen=True):
    size: int = 3


USUAL = Inner()


@dataclass(frozen=True, slots=True)
class Old:
    inner: Any = USUAL
    more: Any = ()


class New(Struct, frozen=True):
    inner: Any = USUAL
    more: Any = ()


@pytest.mark.parametrize("kind", [Old, New])
def test_a_record_is_told_with_all_that_is_in_it(kind: Any):
    record = kind(more=[Inner(1), (Inner(2), "x"), {"a": Old(), "b": {3}}, Pair(Inner(4), None)])
    plain_old = {"inner": {"size": 3}, "more": ()}
    more = [{"size": 1}, ({"size": 2}, "x"), {"a": plain_old, "b": {3}}, Pair({"size": 4}, None)]
    assert asdict(record) == {"inner": {"size": 3}, "more": more}
    assert field_names(record) == field_names(kind) == ("inner", "more")


@pytest.mark.parametrize("kind", [Old, New])
def test_a_copy_has_other_values_and_the_record_stays(kind: Any):
    record = kind(more=1)
    copy = replace(record, inner=Inner(5))
    assert (type(copy), copy.inner.size, copy.more) == (kind, 5, 1)
    assert record == kind(more=1)
    with pytest.raises(TypeError):
        replace(record, colour="red")
    with pytest.raises(AttributeError):
        record.more = 2


def test_what_is_no_record_has_no_fields():
    assert not is_record("text")
    assert is_record(Old)
    assert is_record(New())
    for other in ("text", dict, {"a": 1}):
        with pytest.raises(TypeError):
            field_names(other)
