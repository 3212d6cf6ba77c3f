"""The enrichments there are (docs/enrichments.md).

Each app registers its own when it is ready; administrators declare others, which come with the
configuration: every process notices a new, changed or removed one within two seconds.
"""

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.enrichments.contract import Enrichment
from enrichment.enrichments.declared import PART, Declared
from enrichment.errors import UnknownEnrichment
from llmconfig.client.structured_output import SchemaUnusable, compile_schema
from llmconfig.configuration import process_settings, snapshot
from llmconfig.configuration.process_settings import ProcessSetting

_REGISTRY: dict[str, Enrichment] = {}


def register(enrichment: Enrichment) -> None:
    """Make an enrichment available by its name, with its switch and its own settings.

    Another app calls this from its `ready`. Raises ValueError for a setting that another one has
    with another meaning, ImproperlyConfigured for a variable whose value is none, and
    SchemaUnusable where its answers' schema can't be used, so that no batch finds out.
    """
    if enrichment.schema is not None:
        try:
            compile_schema(enrichment.schema)
        except SchemaUnusable as error:
            raise SchemaUnusable(f"The enrichment {enrichment.name!r}: {error}") from None
    switch = enrichment.feature
    if switch and not process_settings.is_known(switch):
        told = format_lazy(_("Allows: {name}."), name=enrichment.label)
        process_settings.register(ProcessSetting(switch, default=True, help=told))
    process_settings.register(*enrichment.settings)
    _REGISTRY[enrichment.name] = enrichment


def unregister(name: str) -> None:
    """Take an enrichment out again, with its settings; batches that use it can't go on."""
    gone = _REGISTRY.pop(name, None)
    if gone is not None:
        left = {variable for each in _REGISTRY.values() for variable in each.variables()}
        process_settings.unregister(*(set(gone.variables()) - left))


def get(name: str) -> Enrichment:
    """The enrichment of a name; raises UnknownEnrichment, also for one that can't be used."""
    found = _REGISTRY.get(name)
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
    return sorted({*_REGISTRY, *_declared().usable})


def coded() -> list[Enrichment]:
    """Those that apps have registered, by name; asks no database."""
    return [_REGISTRY[name] for name in sorted(_REGISTRY)]


def _declared() -> Declared:
    return snapshot.current().parts.get(PART) or Declared()
