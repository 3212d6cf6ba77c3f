"""Versions of prompts: another wording is the next version, and one at most is in use."""

from django.db import transaction
from django.db.models import Max, OuterRef, QuerySet

from enrichment.models import Prompt


def next_version(enrichment: str) -> int:
    """The number that comes after all versions, which are held until the transaction ends."""
    versions = Prompt.objects.select_for_update().filter(enrichment=enrichment)
    newest: int = versions.aggregate(newest=Max("version", default=0))["newest"]
    return newest + 1


def turn_off(enrichment: str, organization_id: int | None, *, but: int | None = None) -> None:
    """Have no version in use for an organization (None: the default one), except perhaps one."""
    in_use = Prompt.objects.filter(
        enrichment=enrichment, organization_id=organization_id, is_active=True
    )
    if but is not None:
        in_use = in_use.exclude(pk=but)
    in_use.update(is_active=False)


def in_use(enrichment: str) -> Prompt | None:
    """The default version in use, else the newest default one; None if there is none."""
    return defaults_of(enrichment).first()


def number_in_use(enrichment: str) -> int:
    """The version of `in_use`, 0 if there is none."""
    found = in_use(enrichment)
    return found.version if found else 0


def defaults_of(enrichment: str | OuterRef) -> QuerySet[Prompt]:
    """An enrichment's versions for all organizations: the one in use first, then the newest."""
    versions = Prompt.objects.filter(enrichment=enrichment, organization_id=None)
    return versions.order_by("-is_active", "-version")


@transaction.atomic
def use(prompt: Prompt) -> None:
    """Put a version into use; the one from before is off then."""
    next_version(prompt.enrichment)  # holds them all
    turn_off(prompt.enrichment, prompt.organization_id, but=prompt.pk)
    prompt.is_active = True
    prompt.save(update_fields=["is_active"])


@transaction.atomic
def add(
    enrichment: str,
    *,
    system: str,
    user: str,
    note: str,
    organization_id: int | None = None,
    in_use: bool = True,
) -> Prompt:
    """Keep another wording as the next version; in use, the one from before is off then."""
    version = next_version(enrichment)
    if in_use:
        turn_off(enrichment, organization_id)
    return Prompt.objects.create(
        enrichment=enrichment,
        organization_id=organization_id,
        version=version,
        system=system,
        user=user,
        is_active=in_use,
        note=note,
    )
