"""The enrichments there are. A new one is a file here and a line below (docs/enrichments.md)."""

from enrichment.enrichments.contract import Enrichment
from enrichment.enrichments.description_cleaning import DescriptionCleaning
from enrichment.enrichments.dog_profiler import DogProfiler
from enrichment.enrichments.entity_extraction import EntityExtraction
from enrichment.enrichments.respond import Respond
from enrichment.enrichments.tagging import Tagging
from enrichment.enrichments.translation import Translation
from enrichment.errors import UnknownEnrichment

_REGISTRY: dict[str, Enrichment] = {}


def register(enrichment: Enrichment) -> None:
    """Make an enrichment available by its name; another app calls this from its `ready`."""
    _REGISTRY[enrichment.name] = enrichment


def unregister(name: str) -> None:
    """Take an enrichment out again; batches that use it can't go on."""
    _REGISTRY.pop(name, None)


def get(name: str) -> Enrichment:
    """The enrichment of a name; raises UnknownEnrichment."""
    found = _REGISTRY.get(name)
    if found is None:
        raise UnknownEnrichment(
            f"{name!r} is no enrichment; there are {', '.join(sorted(_REGISTRY))}.",
            field="processing_type",
        )
    return found


def names() -> list[str]:
    """All names, sorted."""
    return sorted(_REGISTRY)


for each in (
    DescriptionCleaning(),
    DogProfiler(),
    EntityExtraction(),
    Respond(),
    Tagging(),
    Translation(),
):
    register(each)
