"""Records as plain values, copies of them with other fields, and what fields they have.

A record is a `msgspec.Struct`: as a class it is declared in a thirtieth of the time of a dataclass,
of which a start would make four hundred, and an object of a frozen one is made in a tenth. Few stay
dataclasses, for what only those have; the functions here take both.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, structs

Record = TypeVar("Record")


def replace(record: Record, /, **changes: Any) -> Record:
    """A copy of a record with other values; raises TypeError for a field that it doesn't have."""
    if isinstance(record, Struct):
        return structs.replace(record, **changes)
    return dataclasses.replace(record, **changes)  # type: ignore[type-var]  # the other kind


def field_names(kind: Any) -> tuple[str, ...]:
    """The fields of a record or of its class, in order; raises TypeError for anything else."""
    if isinstance(kind, Struct) or (isinstance(kind, type) and issubclass(kind, Struct)):
        return kind.__struct_fields__
    return tuple(each.name for each in dataclasses.fields(kind))


def is_record(kind: Any) -> bool:
    """Whether this is a record or the class of one."""
    return hasattr(kind, "__struct_fields__") or dataclasses.is_dataclass(kind)


def asdict(record: Any) -> dict[str, Any]:
    """A record by the names of its fields, with the records in it and in its lists and mappings."""
    return {name: _plain(getattr(record, name)) for name in field_names(record)}


def _plain(value: Any) -> Any:
    if is_record(value):
        return asdict(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_plain, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value
