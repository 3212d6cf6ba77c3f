"""What models do with listings. A new one is a file here and a line below."""

from enrichment.enrichments.contract import Enrichment
from enrichment.listings.enrichments.description_cleaning import DescriptionCleaning
from enrichment.listings.enrichments.dog_profiler import DogProfiler
from enrichment.listings.enrichments.entity_extraction import EntityExtraction
from enrichment.listings.enrichments.respond import Respond
from enrichment.listings.enrichments.tagging import Tagging
from enrichment.listings.enrichments.translation import Translation

ENRICHMENTS: tuple[Enrichment, ...] = (
    DescriptionCleaning(),
    DogProfiler(),
    EntityExtraction(),
    Respond(),
    Tagging(),
    Translation(),
)
