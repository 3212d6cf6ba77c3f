"""How much of the listings is enriched."""

from django.db.models import Count, Q
from msgspec import Struct

from enrichment.listings.models import Animal
from enrichment.listings.organizations import ListingOrganizations


class Statistics(Struct, frozen=True):
    """Counts of listings, and shares in per cent with one digit."""

    total_animals: int
    enriched_descriptions: int
    dog_profiles: int
    with_translations: int
    enrichment_coverage: float
    profile_coverage: float
    translation_coverage: float


def statistics(*, organization_id: int | None = None, organization: str = "") -> Statistics:
    """Count once over the listings: all, an organization's by id, or by slug.

    Raises BadSelection when nobody has the slug.
    """
    rows = Animal.objects.all()
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    if organization:
        rows = rows.filter(organization_id__in=ListingOrganizations().keys(organization))
    counts = rows.aggregate(
        total=Count("pk"),
        enriched=Count("pk", filter=Q(enriched_description__isnull=False)),
        profiles=Count("pk", filter=Q(dog_profiler_data__isnull=False)),
        translated=Count("pk", filter=Q(translations__isnull=False)),
    )
    total = counts["total"]
    return Statistics(
        total_animals=total,
        enriched_descriptions=counts["enriched"],
        dog_profiles=counts["profiles"],
        with_translations=counts["translated"],
        enrichment_coverage=share(counts["enriched"], total),
        profile_coverage=share(counts["profiles"], total),
        translation_coverage=share(counts["translated"], total),
    )


def share(part: int, whole: int) -> float:
    """Per cent with one digit; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0
