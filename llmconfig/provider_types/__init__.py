"""Kinds of providers, one file each. A new file here is a new kind; nothing else names them.

Another app adds one with `register`, in its `AppConfig.ready`.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from llmconfig.errors import UnknownProviderType
from llmconfig.provider_types.contract import ProviderType

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_NAME_LENGTH = 20  # of the column that stores it

_types: dict[str, ProviderType] = {}


def register(provider_type: ProviderType) -> None:
    """Make a kind of provider known; raises ValueError for a name that is taken or too long."""
    name = provider_type.name
    if not 0 < len(name) <= MAX_NAME_LENGTH or _types.get(name, provider_type) != provider_type:
        raise ValueError(
            f"The provider type {name!r} is taken already, or its name is not 1 to"
            f" {MAX_NAME_LENGTH} characters long."
        )
    _types[name] = provider_type


def unregister(name: str) -> None:
    """Forget a registered kind; for tests that registered one."""
    _types.pop(name, None)


def get(name: str) -> ProviderType:
    """The kind with this name; raises UnknownProviderType, which lists the known ones."""
    found = _types.get(name)
    if found is None:
        raise UnknownProviderType(
            gettext("There is no provider type {name!r}; there are {names}.").format(
                name=name, names=", ".join(_types)
            )
        )
    return found


def is_known(name: str) -> bool:
    """Whether a kind has this name."""
    return name in _types


def base_url_of(name: str) -> str:
    """The address of a kind's vendor; blank where it has none, or nobody knows the kind."""
    return _types[name].base_url if name in _types else ""


def known() -> Iterator[ProviderType]:
    """All kinds, those of this package first."""
    return iter(tuple(_types.values()))


def last_resort() -> ProviderType | None:
    """The kind whose key the environment holds for calls that nothing else can serve."""
    return next(
        (
            kind
            for kind in known()
            if kind.last_resort is not None and os.environ.get(kind.key_variable)
        ),
        None,
    )


def choices() -> "list[tuple[str, StrOrPromise]]":
    """(name, label) of each kind, for forms and models."""
    return [(each.name, each.label) for each in known()]


ORDER = (
    "openai", "anthropic", "azure_openai", "openrouter", "local", "custom", "openai_responses",
)  # fmt: skip


def _load() -> None:
    """Import the files beside this one; each defines TYPE."""
    found = [info.name for info in iter_modules(__path__) if info.name != "contract"]
    ranks = {name: rank for rank, name in enumerate(ORDER)}
    for name in sorted(found, key=lambda each: (ranks.get(each, len(ORDER)), each)):
        register(import_module(f"{__name__}.{name}").TYPE)


_load()
