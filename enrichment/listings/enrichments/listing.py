"""What all enrichments of listings have in common."""

from enrichment.enrichments.contract import Enrichment
from enrichment.listings.organizations import ListingOrganizations
from enrichment.quality.gates import remains_of

# The placeholder that a rescue's own template left in published texts.
listing_remains = remains_of("HUNDENAME")


class ListingEnrichment(Enrichment):
    """Its rows are listings, which belong to organizations."""

    target = "listings.Animal"
    organization_field = "organization_id"
    organizations = ListingOrganizations()
