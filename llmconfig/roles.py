"""Viewer, operator, administrator: who may do what, as Django groups.

A role holds all that the one before it may do. Beside it, the group of readers opens prompts and
answers. `ensure_roles` runs after each migration.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission
from django.db import DEFAULT_DB_ALIAS, models
from django.utils.translation import gettext_lazy as _

from llmconfig import project_settings

if TYPE_CHECKING:
    from django.contrib.auth.models import User as User  # noqa: PLC0414 - others import it from here
else:
    User = AbstractBaseUser  # the project's AUTH_USER_MODEL, whichever that is


class Role(models.TextChoices):
    """The groups that permissions are given to, lowest first."""

    VIEWER = "viewer", _("Viewer: reads everything but secrets")
    OPERATOR = "operator", _("Operator: runs and controls batches and calls")
    ADMINISTRATOR = "administrator", _("Administrator: changes the configuration")


# Beside these: who may read prompts and answers, which administrators may and others needn't.
READER = "reader"
_FURTHER: dict[str, set[tuple[str, str]]] = {}
RANK = {role.value: rank for rank, role in enumerate(Role, start=1)}
WORKING_APPS = ("enrichment", "listings")  # their tables are worked on, not configured
APPS = ("llmconfig", "metrics", *WORKING_APPS)
# Of enrichment's tables, what is configuration: it says where requests go, and with which secret,
# and which columns of the project's own tables are sent to models and written.
CONFIGURATION = ("factsource", "declaredenrichment")


def group_name(role: str) -> str:
    """What the group of a role is called in this project (LLM_ROLE_GROUPS)."""
    return project_settings.role_groups().get(role) or f"nodewise {role}"


def role_of_group(name: str) -> Role | None:
    """The role that a group of this name gives; None for the project's other groups."""
    return next((role for role in Role if group_name(role.value) == name), None)


def rank_of(user: AbstractBaseUser | AnonymousUser | None) -> int:
    """0 for nobody, then 1 to 3; superusers are administrators."""
    if user is None or not user.is_authenticated or not user.is_active:
        return 0
    if getattr(user, "is_superuser", False):
        return RANK[Role.ADMINISTRATOR]
    groups: Any = getattr(user, "groups", None)
    names = set(groups.values_list("name", flat=True)) if groups is not None else set()
    ranks = (RANK[role.value] for role in Role if group_name(role.value) in names)
    return max(ranks, default=0)


def everybody() -> models.QuerySet[User]:
    """All users of the project, whatever model it has for them."""
    return get_user_model()._default_manager.all()  # noqa: SLF001 - Django's API


def username_field() -> str:
    """The column by which people are named: `username`, or `email` in many projects."""
    return str(get_user_model().USERNAME_FIELD)


def user_named(name: str) -> User | None:
    """The user who signs in by this name; None if there is none."""
    return everybody().filter(**{username_field(): name}).first()


def give_also(role: str, *permissions: tuple[str, str]) -> None:
    """Have a role's group hold further permissions, as (app label, codename), from now on.

    For projects, before `migrate`: `ensure_roles` gives them, and takes none away.
    """
    _FURTHER.setdefault(role, set()).update(permissions)


def ensure_roles(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the groups and give them our permissions; safe to run at any time.

    Permissions for the project's own tables that somebody gave these groups stay.
    """
    known = list(
        Permission.objects.using(using)
        .filter(content_type__app_label__in=APPS)
        .values_list("pk", "content_type__app_label", "content_type__model", "codename")
    )
    ours = {pk for pk, *_what in known}
    names = [*(role.value for role in Role), READER]
    held = _held_by_groups([group_name(name) for name in names], using)
    for name in names:
        given = {pk for pk, *what in known if _has(name, *what)} | _further(name, using)
        has = held.get(group_name(name))
        missing = given - (has or set())
        surplus = (has or set()) & ours - given
        if has is None or missing or surplus:
            group, _ = Group.objects.using(using).get_or_create(name=group_name(name))
            group.permissions.remove(*surplus)
            group.permissions.add(*missing)


def _has(name: str, app: str, table: str, codename: str) -> bool:
    """Whether a role, or the readers, may do this."""
    if name == READER:
        return codename.startswith("read_")
    if name == Role.ADMINISTRATOR or codename.startswith("view_"):
        return True
    works = app in WORKING_APPS and table not in CONFIGURATION
    return name == Role.OPERATOR and (works or codename.startswith("operate_"))


def _held_by_groups(names: list[str], using: str) -> dict[str, set[int]]:
    """The permissions that each of these groups has; groups that aren't there are left out."""
    held: dict[str, set[int]] = {}
    rows = Group.objects.using(using).filter(name__in=names).values_list("name", "permissions")
    for name, permission in rows:
        held.setdefault(name, set()).update([permission] if permission is not None else [])
    return held


def _further(name: str, using: str) -> set[int]:
    """What the project has this role hold besides."""
    rows = Permission.objects.using(using)
    return {
        pk
        for app, codename in _FURTHER.get(name, ())
        for pk in rows.filter(content_type__app_label=app, codename=codename).values_list(
            "pk", flat=True
        )
    }
