"""Records that are made quickly are what frozen dataclasses are."""

import copy
import inspect
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from typing import Any

import pytest

from llmconfig.client.types import Call, CallRecord
from llmconfig.runtime.quick_records import quickly_made


@dataclass(frozen=True, slots=True)
class Plain:
    name: str
    size: int = 3
    words: list[str] = field(default_factory=list)
    more: int = field(default=0, kw_only=True)


@quickly_made
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    size: int = 3
    words: list[str] = field(default_factory=list)
    more: int = field(default=0, kw_only=True)


@quickly_made
@dataclass(frozen=True, slots=True)
class Longer(Quick):
    last: str = "z"


def test_a_quick_record_is_made_from_the_same_values():
    assert str(inspect.signature(Quick)) == str(inspect.signature(Plain))
    ways: list[tuple[list[Any], dict[str, Any]]] = [
        (["a"], {}), (["a", 5, ["x"]], {"more": 2}), ([], {"name": "a"})
    ]  # fmt: skip
    for given, named in ways:
        assert asdict(Quick(*given, **named)) == asdict(Plain(*given, **named))
    assert Quick("a").words is not Quick("a").words
    wrong: list[dict[str, Any]] = [{}, {"name": "a", "colour": 1}]
    for named in wrong:
        with pytest.raises(TypeError):
            Quick(**named)


def test_a_quick_record_is_frozen_and_equal_and_copied():
    made = Quick("a", words=["x"])
    assert type(made) is Quick
    for name in ("name", "other"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(made, name, "b")
    with pytest.raises(FrozenInstanceError):
        delattr(made, "name")
    assert made == Quick("a", words=["x"])
    assert repr(made) == "Quick(name='a', size=3, words=['x'], more=0)"
    assert replace(made, size=4) == Quick("a", 4, ["x"])
    assert type(replace(Longer("a"), last="y")) is Longer
    assert Longer("a", last="y").last == "y"
    assert copy.deepcopy(made) == made


def test_the_records_of_calls_are_quick_ones():
    for kind in (Call, CallRecord):
        assert "_set_class" in kind.__init__.__code__.co_names


def test_only_frozen_dataclasses_with_slots_can_be_quick():
    @dataclass(slots=True)
    class Loose:
        name: str

    @dataclass(frozen=True)
    class Wide:
        name: str

    kinds: tuple[type[Any], ...] = (Loose, Wide)
    for kind in kinds:
        with pytest.raises(TypeError, match="no frozen dataclass"):
            quickly_made(kind)
