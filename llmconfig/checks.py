"""System checks: what a project's settings lack, and how to set it."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import (  # Django's names
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004
    register,
)
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router
from django.db.models import Model

from llmconfig import project_settings, roles, secrets
from llmconfig.configuration import rotation, secret_references
from llmconfig.models import Provider
from llmconfig.runtime import direct_sessions

NEEDED_APPS = ("django.contrib.auth", "django.contrib.contenttypes", "rest_framework")


@register()
def settings_are_complete(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """What is missing or wrong among our settings and the installed apps."""
    return [*_field_keys(), *_values(), *_apps(), *_database(), *_routes(), *_migrations()]


@register(Tags.security, deploy=True)
def processes_share_limits(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Without a Redis two processes send twice what one limit allows."""
    if project_settings.redis_url():
        return []
    return [
        Warning(
            "REDIS_URL is not set: limits, cool-downs and cached answers hold for each process"
            " alone.",
            hint='REDIS_URL = "redis://:password@host:6379/0"; Valkey serves as well.',
            id="llmconfig.W002",
        )
    ]


@register(Tags.database)
def sessions_are_postgresqls(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Locks of a session need one: a pooler in transaction mode has to be gone around."""
    if not ours_in(databases) or project_settings.session_database():
        return []
    try:
        pooled = direct_sessions.is_pooled()
    except DatabaseError:
        return []  # others say so
    hint = "A pooler in session mode needs nothing: silence llmconfig.W005 then."
    return [Warning(direct_sessions.POOLED, hint=hint, id="llmconfig.W005")] if pooled else []


@register(Tags.database)
def references_may_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A stored reference that the setting doesn't allow is read no more: say so beforehand."""
    return unreadable_references(Provider, "The provider", databases, id="llmconfig.W004")


@register(Tags.database)
def stored_keys_can_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A field key that was removed too early, or a restored backup without its field keys."""
    if not ours_in(databases):
        return []
    try:
        lost = rotation.lacking()
    except (DatabaseError, ImproperlyConfigured):
        return []  # not migrated yet; others say so
    said = f"LLM_FIELD_KEYS lacks {', '.join(lost)}, which stored keys of providers need."
    hint = "Put it back behind the first one, or enter the keys again (docs/configuration.md)."
    return [Warning(said, hint=hint, id="llmconfig.W007")] if lost else []


def unreadable_references(
    table: type[Model],
    called: str,
    databases: Sequence[str] | None,
    *,
    id: str,  # noqa: A002 - as Django's checks call it
) -> list[CheckMessage]:
    """A warning for each row whose `secret_ref` the setting doesn't allow; `called` names it."""
    found: list[CheckMessage] = []
    for alias in ours_in(databases):
        rows = table._default_manager.using(alias).exclude(secret_ref="")  # noqa: SLF001 - Django's
        try:
            pairs = list(rows.values_list("name", "secret_ref"))
        except DatabaseError:
            continue  # not migrated yet
        found += [
            Warning(f"{called} {name}: {why}", id=id)
            for name, reference in pairs
            if (why := secret_references.objection(reference))
        ]
    return found


def ours_in(databases: Sequence[str] | None) -> list[str]:
    """Of the databases that a check may ask, the one that has our tables, if it can be ours."""
    usable = not any(_database())
    return [each for each in databases or () if each == DEFAULT_DB_ALIAS and usable]


def _field_keys() -> Iterator[CheckMessage]:
    try:
        missing = not secrets.keyring().fernets
    except ImproperlyConfigured as error:
        yield Error(str(error), id="llmconfig.E001")
        return
    if missing:
        yield Warning(
            secrets.NO_KEY,
            hint="This works while DEBUG is on; until then give providers references such as"
            " env:OPENAI_API_KEY.",
            id="llmconfig.W001",
        )


def _values() -> Iterator[CheckMessage]:
    for problem in project_settings.problems():
        yield Error(problem, id="llmconfig.E002")


def _database() -> Iterator[CheckMessage]:
    used = connections[DEFAULT_DB_ALIAS]
    if used.vendor != "postgresql":
        yield Error(
            f"DATABASES['default'] is {used.display_name}; Nodewise needs PostgreSQL.",
            hint='Set its ENGINE to "django.db.backends.postgresql" (docs/quickstart.md). Tables of'
            " yours may stay where they are, under another name.",
            id="llmconfig.E007",
        )
    if not project_settings.has_zones():
        yield Error(
            "USE_TZ is False; Nodewise's times have zones.",
            hint="USE_TZ = True, Django's default; TIME_ZONE stays what people see.",
            id="llmconfig.E008",
        )


def _routes() -> Iterator[CheckMessage]:
    ours = [each for each in apps.get_models() if each._meta.app_label in roles.APPS]  # noqa: SLF001 - Django's API
    away = {router.db_for_write(each) for each in ours} - {DEFAULT_DB_ALIAS}
    if away:
        yield Error(
            f"DATABASE_ROUTERS send tables of ours to {', '.join(sorted(away))}: revisions, limits"
            " and results are written together, so they have to be in 'default'.",
            hint='Put "nodewise.routing.Router" before the others.',
            id="llmconfig.E006",
        )


def _migrations() -> Iterator[CheckMessage]:
    """Other migrations than ours make no function, trigger or partition; tests may do without."""
    hint = "Leave our apps out of it. Tests without them call models, but run no batch."
    for label in roles.APPS:
        replaced = project_settings.replaced_migrations(label)
        if replaced is None:
            continue
        kind, number = (Error, "E009") if replaced else (Warning, "W006")
        yield kind(
            f"MIGRATION_MODULES[{label!r}]: only the app's own migrations make its triggers,"
            " functions and partitioned tables.",
            hint=hint,
            id=f"llmconfig.{number}",
        )


def _apps() -> Iterator[CheckMessage]:
    for name in NEEDED_APPS:
        if not apps.is_installed(name):
            yield Error(f"INSTALLED_APPS lacks {name!r}.", id="llmconfig.E003")
    names = [config.name for config in apps.get_app_configs()]
    admin = next((n for n in names if n.startswith("django.contrib.admin")), "")
    if "unfold" in names and admin and names.index("unfold") > names.index(admin):
        yield Error(
            "INSTALLED_APPS: 'unfold' stands after 'django.contrib.admin', whose pages then hide"
            " the theme's.",
            hint="Put 'unfold' and 'unfold.contrib.filters' before it, or leave them out.",
            id="llmconfig.E004",
        )
    if "unfold" in names and "unfold.contrib.filters" not in names:
        yield Error(
            "INSTALLED_APPS has 'unfold' without 'unfold.contrib.filters'.",
            hint="Put it behind 'unfold'.",
            id="llmconfig.E005",
        )
