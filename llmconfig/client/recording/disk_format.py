"""Records as one line of JSON each, and back, for files that outlive a process."""

import datetime as dt
import enum
import json
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from llmconfig.client.types import CallRecord
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import asdict, field_names, is_record, replace

Facts = TypeVar("Facts")


def line_of(facts: Any) -> bytes:
    """A record as a line of JSON, its end included; money as text, so that no digit is lost.

    Raises TypeError and ValueError for values that JSON has no form for.
    """
    try:
        return _encoder.encode(facts) + b"\n"
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(asdict(facts), default=_plain).encode() + b"\n"


def read_line(kind: type[Facts], line: bytes) -> Facts:
    """What `line_of` wrote of a record of this kind.

    Raises ValueError, also for a line that another release wrote in another form.
    """
    try:
        read: Facts = _read(kind, json.loads(line))
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"This is no {kind.__name__}: {error}") from error
    return read


def to_keep(record: CallRecord) -> CallRecord:
    """A record for such a file, which another process may read by another clock."""
    if database_clock.is_right():
        return record
    return replace(record, created_at=database_clock.kept(record.created_at))


def taken_up(record: CallRecord) -> CallRecord:
    """The record again, by this process's clock."""
    if database_clock.is_right():
        return record
    return replace(record, created_at=database_clock.taken_up(record.created_at))


def _plain(value: object) -> Any:
    if is_record(value):
        return {name: getattr(value, name) for name in field_names(value)}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (UUID, dt.datetime)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form on disk.")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


@lru_cache(maxsize=64)
def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in field_names(kind)}


def _read(kind: Any, value: Any) -> Any:
    """A value of this type; mappings, lists and what may be anything stay as JSON has them."""
    if value is None:
        return None
    kind = _without_none(kind)
    if typing.get_origin(kind) is tuple:
        return _read_tuple(typing.get_args(kind), value)
    if is_record(kind):
        return _read_record(kind, value)
    if kind is dt.datetime:
        return dt.datetime.fromisoformat(value)
    read_by_name = isinstance(kind, type) and issubclass(kind, (Decimal, UUID, enum.Enum))
    return kind(value) if read_by_name else value


def _read_record(kind: Any, value: Mapping[str, Any]) -> Any:
    fields = _fields(kind)
    return kind(**{name: _read(fields[name], each) for name, each in value.items()})


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) not in {typing.Union, types.UnionType}:
        return kind
    return next(each for each in typing.get_args(kind) if each is not type(None))


def _read_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    kinds = inner[:1] * len(value) if inner[-1] is ... else inner
    return tuple(_read(kind, each) for kind, each in zip(kinds, value, strict=True))
