"""The organizations of listings, as the engine and prompts ask for them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext

from enrichment.errors import BadSelection
from enrichment.listings.models import Organization


class ListingOrganizations:
    """They are found by slug, and told by name."""

    def keys(self, slug: str) -> QuerySet[Organization, Any]:
        """Those of a slug, as a subquery for `organization_id__in`; raises BadSelection."""
        found = Organization.objects.filter(slug=slug)
        if not found.exists():
            raise BadSelection(
                gettext(
                    "organization: there is none with the slug {slug!r}; the admin lists them."
                ).format(slug=slug),
                field="organization",
            )
        return found.values("pk")

    def names(self, keys: Iterable[int]) -> dict[int, str]:
        """The names of those that there are."""
        return dict(Organization.objects.filter(pk__in=keys).values_list("pk", "name"))

    def choices(self, limit: int) -> list[tuple[str, str]]:
        """The slug and name of the first `limit` of them, by name."""
        return list(Organization.objects.order_by("name").values_list("slug", "name")[:limit])
