"""Finds the organizations that rows name, and makes those that are new; names are kept."""

from collections.abc import Iterable

from django.db.models import Q
from django.utils.translation import gettext

from enrichment.listings.importing.cleaning import OrganizationRef, name_from_slug
from enrichment.listings.models import Organization


class ImportedOrganizations:
    """The organizations of one import.

    A name that is there stays, unless it was made from a slug and the file has it written out.
    `notes` says where the file calls one by another name.
    """

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._found: dict[OrganizationRef, Organization] = {}
        self.added = 0
        self.notes: list[str] = []

    def find(self, refs: Iterable[OrganizationRef]) -> dict[OrganizationRef, Organization]:
        """Each one, made if it is new. In a dry run new ones have no primary key."""
        unknown = [ref for ref in dict.fromkeys(refs) if ref not in self._found]
        if unknown:
            self._look_up(unknown)
        return self._found

    def _look_up(self, refs: list[OrganizationRef]) -> None:
        keys = {ref.key for ref in refs}
        slugs = {ref.slug for ref in refs if not ref.external_id}
        there = list(Organization.objects.filter(Q(external_id__in=keys) | Q(slug__in=slugs)))
        self._match(refs, there)
        missing = {ref.key: ref for ref in refs if ref not in self._found}
        if not missing:
            return
        made = [
            Organization(external_id=key, slug=ref.slug or "organization", name=ref.shown_name)
            for key, ref in missing.items()
        ]
        self.added += len(made)
        if not self._dry_run:
            # Another import may have made it meanwhile; then its name counts.
            Organization.objects.bulk_create(made, ignore_conflicts=True)
            made = list(Organization.objects.filter(external_id__in=missing))
        self._match([ref for ref in refs if ref not in self._found], made)

    def _match(self, refs: list[OrganizationRef], there: list[Organization]) -> None:
        by_key = {each.external_id: each for each in there}
        for ref in refs:
            found = by_key.get(ref.key) if ref.external_id else _by_name(ref, there)
            if found is not None:
                self._found[ref] = found
                self._keep_name(ref, found)

    def _keep_name(self, ref: OrganizationRef, found: Organization) -> None:
        if not ref.is_written_out or found.name == ref.name:
            return
        if found.name != name_from_slug(found.slug):
            self.notes.append(
                gettext(
                    "Organization {key} stays {name!r}; the file says {other!r}. Rename it in the"
                    " admin if that is right."
                ).format(key=found.external_id, name=found.name, other=ref.name)
            )
            return
        found.name = ref.name
        if not self._dry_run:
            found.save(update_fields=["name"])


def _by_name(ref: OrganizationRef, there: list[Organization]) -> Organization | None:
    """One that a row names without its id: by its name, its key, or as the only one of its slug."""
    named = [each for each in there if each.name == ref.name]
    keyed = [each for each in there if each.external_id == ref.key]
    alike = [each for each in there if each.slug == ref.slug]
    for candidates in (named, keyed, alike):
        if len(candidates) == 1:
            return candidates[0]
    return None
