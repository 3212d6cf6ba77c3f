"""The enrichments there are (docs/enrichments.md).

Each app registers its own when it is ready; administrators declare others, which come with the
configuration: every process notices a new, changed or removed one within two seconds. What an
enrichment stands on (the gates, the schemas) is loaded with the first one.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.errors import UnknownEnrichment
from llmconfig.configuration import process_settings, snapshot
from llmconfig.configuration.process_settings import ProcessSetting

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from enrichment.enrichments.contract import Enrichment
    from enrichment.enrichments.declared import Declared

PART = "enrichments"  # of the configuration's snapshot: those that administrators declared
_REGISTRY: dict[str, "Enrichment"] = {}
_waiting: list[Callable[[], Iterable["Enrichment"]]] = []
_loading = threading.RLock()


def register_later(
    load: Callable[[], Iterable["Enrichment"]], *, switches: Mapping[str, "StrOrPromise"]
) -> None:
    """Register what `load` returns once somebody asks for an enrichment, such as a system check.

    `switches` are the enrichments' labels by their LLM_FEATURE_ variables: they are known at once.
    Raises ImproperlyConfigured for a variable whose value is none.
    """
    for variable, label in switches.items():
        _register_switch(variable, label)
    _waiting.append(load)


def _register_switch(variable: str, label: "StrOrPromise") -> None:
    if variable and not process_settings.is_known(variable):
        told = format_lazy(_("Allows: {name}."), name=label)
        process_settings.register(ProcessSetting(variable, default=True, help=told))


def _registered() -> dict[str, "Enrichment"]:
    """Those of apps by name, once all are loaded."""
    if _waiting:
        with _loading:
            while _waiting:
                for each in _waiting[0]():
                    _add(each)
                del _waiting[0]
    return _REGISTRY


def register(enrichment: "Enrichment") -> None:
    """Make an enrichment available by its name, with its switch and its own settings.

    Another app calls this from its `ready`. Raises ValueError for a setting that another one has
    with another meaning, ImproperlyConfigured for a variable whose value is none, and
    SchemaUnusable where its answers' schema can't be used, so that no batch finds out.
    """
    _registered()  # who registers a name last has it
    _add(enrichment)


def _add(enrichment: "Enrichment") -> None:
    from llmconfig.client.structured_output import (  # noqa: PLC0415 - with the first one
        SchemaUnusable,
        compile_schema,
    )

    if enrichment.schema is not None:
        try:
            compile_schema(enrichment.schema)
        except SchemaUnusable as error:
            raise SchemaUnusable(f"The enrichment {enrichment.name!r}: {error}") from None
    _register_switch(enrichment.feature, enrichment.label)
    process_settings.register(*enrichment.settings)
    _REGISTRY[enrichment.name] = enrichment


def unregister(name: str) -> None:
    """Take an enrichment out again, with its settings; batches that use it can't go on."""
    gone = _registered().pop(name, None)
    if gone is not None:
        left = {variable for each in _REGISTRY.values() for variable in each.variables()}
        process_settings.unregister(*(set(gone.variables()) - left))


def get(name: str) -> "Enrichment":
    """The enrichment of a name; raises UnknownEnrichment, also for one that can't be used."""
    found = _registered().get(name)
    if found is not None:
        return found
    declared = _declared()
    found = declared.usable.get(name)
    if found is not None:
        return found
    if name in declared.unusable:
        raise UnknownEnrichment(
            gettext("{name!r} can't be used: {unusable}").format(
                name=name, unusable=declared.unusable[name]
            ),
            field="processing_type",
        )
    raise UnknownEnrichment(
        gettext("{name!r} is no enrichment; there are {names}.").format(
            name=name, names=", ".join(names())
        ),
        field="processing_type",
    )


def why_unusable(name: str) -> str:
    """What stands against a declared enrichment; blank where nothing does."""
    return _declared().unusable.get(name, "")


def names() -> list[str]:
    """The names of all that can be used, sorted."""
    return sorted({*_registered(), *_declared().usable})


def coded() -> list["Enrichment"]:
    """Those that apps have registered, by name; asks no database."""
    found = _registered()
    return [found[name] for name in sorted(found)]


def _declared() -> "Declared":
    from enrichment.enrichments.declared import Declared  # noqa: PLC0415 - with the first one

    return snapshot.current().parts.get(PART) or Declared()
