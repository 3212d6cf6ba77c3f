"""Viewer, operator, administrator: who may do what, as Django groups.

A role holds all that the one before it may do. `ensure_roles` runs after each migration.
"""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.db import models


class Role(models.TextChoices):
    """The groups, lowest first."""

    VIEWER = "viewer", "Viewer: reads everything but secrets"
    OPERATOR = "operator", "Operator: runs and controls batches and calls"
    ADMINISTRATOR = "administrator", "Administrator: changes the configuration"


RANK = {role.value: rank for rank, role in enumerate(Role, start=1)}
WORKING_APPS = ("enrichment", "listings")  # their tables are worked on, not configured
APPS = ("llmconfig", "metrics", *WORKING_APPS)
# Of enrichment's tables, what is configuration: it says where requests go, and with which secret.
CONFIGURATION = ("factsource",)


def rank_of(user: AbstractBaseUser | AnonymousUser) -> int:
    """0 for nobody, then 1 to 3; superusers are administrators."""
    if not user.is_authenticated or not user.is_active:
        return 0
    if getattr(user, "is_superuser", False):
        return RANK[Role.ADMINISTRATOR]
    groups: Any = getattr(user, "groups", None)
    names = groups.values_list("name", flat=True) if groups is not None else ()
    return max((RANK.get(name, 0) for name in names), default=0)


def ensure_roles() -> None:
    """Make the three groups with their permissions; safe to run at any time."""
    ours = Permission.objects.filter(content_type__app_label__in=APPS)
    viewing = ours.filter(codename__startswith="view_")
    working = ours.filter(content_type__app_label__in=WORKING_APPS).exclude(
        content_type__model__in=CONFIGURATION
    )
    operating = working | ours.filter(codename__startswith="operate_")
    for role, permissions in (
        (Role.VIEWER, viewing),
        (Role.OPERATOR, viewing | operating),
        (Role.ADMINISTRATOR, ours),
    ):
        group, _ = Group.objects.get_or_create(name=role.value)
        group.permissions.set(permissions)
