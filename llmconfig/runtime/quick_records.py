"""Frozen records that are made in a quarter of the time.

A frozen dataclass sets each field through `object.__setattr__`, as nothing else may: 0.15 µs a
field, and a call of a batch makes records of two hundred. Here a record is of a class that may be
set until its fields are, and frozen from then on.
"""

from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

Record = TypeVar("Record")
_set_class = object.__dict__["__class__"].__set__  # also of what is frozen


class _LeftOut:
    """Stands for a value that is made anew each time, as in the signatures of dataclasses."""

    def __repr__(self) -> str:
        return "<factory>"


_left_out = _LeftOut()


def quickly_made(cls: type[Record]) -> type[Record]:
    """Give a frozen dataclass with slots an `__init__` that does the same as its own, quicker.

    Write it above `@dataclass(frozen=True, slots=True)`. Raises TypeError for any other class, and
    for one with a `__post_init__`, which would find the record unfrozen.
    """
    held: Any = cls
    frozen = "__dataclass_params__" in vars(cls) and held.__dataclass_params__.frozen
    if not frozen or "__slots__" not in vars(cls) or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} is no frozen dataclass with slots, or has more to do.")
    # The same layout, so that an object of one can become one of the other.
    unfrozen = type(
        cls.__name__,
        cls.__bases__,
        {"__slots__": held.__slots__, "__setattr__": object.__setattr__, "__module__": __name__},
    )
    known = {
        "_set_class": _set_class,
        "_unfrozen": unfrozen,
        "_frozen": cls,
        "_left_out": _left_out,
    }
    exec(_source(fields(held), known), known)  # noqa: S102 - of field names alone, as dataclasses do
    made: Any = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = held.__init__.__annotations__
    held.__init__ = made
    return cls


def _source(found: "tuple[Field[Any], ...]", known: dict[str, Any]) -> str:
    """The method's text; puts what it needs into `known`."""
    taken, by_name, body = ["self"], [], []
    for each in found:
        name, value = each.name, each.name
        default = ""
        if each.default is not MISSING:
            known[f"_default_{name}"] = each.default
            default = f"=_default_{name}"
        elif each.default_factory is not MISSING:
            known[f"_make_{name}"] = each.default_factory
            default = "=_left_out"
            value = f"_make_{name}() if {name} is _left_out else {name}"
        if not each.init:
            value = value.partition(" ")[0] if value != name else f"_default_{name}"
        elif each.kw_only:
            by_name.append(name + default)
        else:
            taken.append(name + default)
        body.append(f"self.{name} = {value}")
    signature = ", ".join([*taken, *(["*", *by_name] if by_name else [])])
    steps = ["_set_class(self, _unfrozen)", *body, "self.__class__ = _frozen"]
    return "\n    ".join([f"def __init__({signature}):", *steps])
