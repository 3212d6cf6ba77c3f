"""What the Django project's settings say to us, each with its default; docs/settings.md lists them.

The only module of the apps that reads `django.conf.settings` for settings of ours.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from llmconfig.extras import how_to_install, installed

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "LLM_FIELD_KEYS": (),
        "LLM_LEGACY_FERNET_KEYS": (),
        "LLM_ROLE_GROUPS": MappingProxyType({}),
        "LLM_NODES_FILE": "llm_nodes.yaml",
        "LLM_SYNC_POLICY": "",
        "LLM_SYNC_AT_START": False,
        "LLM_DEFAULTS": "",
        "LLM_JOURNAL_DIR": ".nodewise/journal",
        "LLM_LOCAL_URL": "http://localhost:11434/v1",
        "LLM_EGRESS_ALLOW": (),
        "LLM_CORS_ORIGINS": (),
        "LLM_SECRET_REFERENCES": ("env:LLM_*_API_KEY", "file:/run/secrets/*", "aws-sm:*"),
        "LLM_PRELOAD": (),
        "LLM_SESSION_DATABASE": "",
        "LLM_SPOOL_DIR": "",
        "LLM_TRACING_ENDPOINT": "",
        "LLM_TRACING_HEADERS": "",
        "LLM_TRACING_CONTENTS": False,
        "LLM_ONEX_CHECK": "",
        "LLM_ENRICHABLE": (),
        "LLM_CELERY_APP": "",
        "REDIS_URL": "",
        "REPORT_EMAIL_TO": (),
    }
)
SYNC_POLICIES = ("", "yaml", "db")
DEFAULT_SETS = ("", "development", "production")
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+/?", re.IGNORECASE)
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


def field_keys() -> tuple[str, ...]:
    """Fernet keys for stored provider keys, newest first; none is possible while DEBUG is on."""
    return _words("LLM_FIELD_KEYS")


def legacy_field_keys() -> tuple[str, ...]:
    """Key material of rows that django-fernet-fields wrote, newest first."""
    return _words("LLM_LEGACY_FERNET_KEYS")


def role_groups() -> Mapping[str, str]:
    """Names of groups by role, where they are not `nodewise <role>`."""
    groups: Mapping[str, str] = _value("LLM_ROLE_GROUPS")
    return groups


def nodes_files() -> list[Path]:
    """What `sync_llm_config` reads, unless it is told other files."""
    return [Path(each.strip()) for each in str(_value("LLM_NODES_FILE")).split(",") if each.strip()]


def sync_policy() -> str:
    """Who wins when files and database differ: `yaml`, `db`, or blank for a comparison."""
    return str(_value("LLM_SYNC_POLICY"))


def syncs_at_start() -> bool:
    """Whether servers and workers sync the files when they start."""
    return bool(_value("LLM_SYNC_AT_START"))


def defaults_for() -> str:
    """Whose defaults hold: `development`, `production`, or blank for the plain ones."""
    return str(_value("LLM_DEFAULTS"))


def journal_dir() -> Path:
    """Where records of `/v1` wait while the database is away."""
    return Path(_value("LLM_JOURNAL_DIR"))


def local_url() -> str:
    """Address of the provider `local` when it is seeded."""
    return str(_value("LLM_LOCAL_URL"))


def egress_allow() -> tuple[str, ...]:
    """Networks that hosted providers may live in although they are not public."""
    return _words("LLM_EGRESS_ALLOW")


def cors_origins() -> tuple[str, ...]:
    """Sites whose pages may call `/v1` from a browser, as `https://host`; `*` is every site."""
    return _words("LLM_CORS_ORIGINS")


def secret_references() -> tuple[str, ...]:
    """What secret references may read beside the provider types' own variables."""
    return _words("LLM_SECRET_REFERENCES")


def preload() -> tuple[str, ...]:
    """Packages that servers and workers import at the start."""
    return _words("LLM_PRELOAD")


def session_database() -> str:
    """The entry of DATABASES for sessions of PostgreSQL's own; blank: the default one has them."""
    return str(_value("LLM_SESSION_DATABASE"))


def spool_dir() -> str:
    """Where a machine's lanes keep paid answers until they are written; blank: a temporary one."""
    return str(_value("LLM_SPOOL_DIR"))


def tracing_endpoint() -> str:
    """Where spans of traced nodes go, by OTLP over HTTP; blank is nowhere."""
    return str(_value("LLM_TRACING_ENDPOINT"))


def tracing_headers() -> str:
    """Headers for it, `name=value,name=value`; a secret, so only its sender asks."""
    headers = _value("LLM_TRACING_HEADERS")
    return headers if isinstance(headers, str) else str(headers.reveal())


def tracing_contents() -> bool:
    """Whether prompts and answers go into the traces as well."""
    return bool(_value("LLM_TRACING_CONTENTS"))


def onex_check() -> str:
    """Dotted path of the function that judges ONEX compliance; blank is none."""
    return str(_value("LLM_ONEX_CHECK"))


def enrichable() -> tuple[str, ...]:
    """Apps and models whose tables the admin may have enriched; none named: the project's own."""
    return _words("LLM_ENRICHABLE")


def celery_app() -> str:
    """The Celery application that tasks are sent by, imported before the first; blank: it is."""
    return str(_value("LLM_CELERY_APP"))


def redis_url() -> str:
    """What processes share limits and answers through; blank: each keeps to itself."""
    return str(_value("REDIS_URL"))


def names_redis() -> bool:
    """Whether the project has a REDIS_URL at all, be it blank by mistake."""
    return hasattr(settings, "REDIS_URL")


def report_recipients() -> tuple[str, ...]:
    """Who gets the weekly report by mail."""
    return _words("REPORT_EMAIL_TO")


def process_values() -> dict[str, Any]:
    """Values of process settings (`LLM_BATCH_…`) that the environment or the settings fix."""
    try:
        values: dict[str, Any] = settings.LLM_ENVIRONMENT
    except AttributeError:  # a project that fixes none
        values = settings.LLM_ENVIRONMENT = {}
    return values


def fixed_in_settings(variable: str) -> str:
    """A process setting that the settings module names itself, as text; blank if it doesn't."""
    value = getattr(settings, variable, None)
    return "" if value is None else str(value)


def debugging() -> bool:
    """Whether this is a developer's project."""
    return bool(settings.DEBUG)


def has_zones() -> bool:
    """Whether the project's times are aware of zones."""
    return bool(settings.USE_TZ)


def replaced_migrations(label: str) -> str | None:
    """Where the project has an app's migrations instead of ours; blank for nowhere, None: ours."""
    replaced = settings.MIGRATION_MODULES
    return str(replaced[label] or "") if label in replaced else None


def problems() -> list[str]:
    """What is wrong with the settings of ours, each with its name and the way out."""
    checks: tuple[tuple[Callable[[], Any], str], ...] = (
        (_check_roles, "LLM_ROLE_GROUPS"),
        (_check_redis, "REDIS_URL"),
        (_check_policy, "LLM_SYNC_POLICY"),
        (_check_defaults, "LLM_DEFAULTS"),
        (_check_tracing, "LLM_TRACING_ENDPOINT"),
        (_check_tracing_headers, "LLM_TRACING_HEADERS"),
        (_check_origins, "LLM_CORS_ORIGINS"),
        (_check_sessions, "LLM_SESSION_DATABASE"),
    )
    found = []
    for check, name in checks:
        try:
            check()
        except ImproperlyConfigured as error:
            found.append(f"{name}: {error}")
    return found


def _check_roles() -> None:
    groups = _value("LLM_ROLE_GROUPS")
    known = ("viewer", "operator", "administrator", "reader")
    if not isinstance(groups, Mapping) or not set(groups) <= set(known):
        raise ImproperlyConfigured(f"give a dict of group names by {', '.join(known)}.")
    names = [groups.get(role) or f"nodewise {role}" for role in known]
    if len(set(names)) < len(names):
        raise ImproperlyConfigured("each role needs a group of its own.")


def _check_redis() -> None:
    url = redis_url()
    if url and not url.startswith(REDIS_SCHEMES):
        raise ImproperlyConfigured("this is no redis:// address: redis://:password@host:6379/0.")
    if url and not installed("redis"):
        raise ImproperlyConfigured(how_to_install("redis", "worker"))


def _check_sessions() -> None:
    alias = session_database()
    if alias and alias not in settings.DATABASES:
        known = ", ".join(settings.DATABASES)
        raise ImproperlyConfigured(f"DATABASES has no entry {alias!r}; it has {known}.")


def _check_policy() -> None:
    if sync_policy() not in SYNC_POLICIES:
        raise ImproperlyConfigured(f"{sync_policy()!r} is none; use yaml, db or nothing.")


def _check_defaults() -> None:
    if defaults_for() not in DEFAULT_SETS:
        raise ImproperlyConfigured(
            f"{defaults_for()!r} is none; use development, production or nothing."
        )


def _check_origins() -> None:
    wrong = [each for each in cors_origins() if each != "*" and not ORIGIN.fullmatch(each)]
    if wrong:
        raise ImproperlyConfigured(
            f"{wrong[0]!r} is no site: give scheme and host, such as https://app.example.com."
        )


def _check_tracing() -> None:
    endpoint = tracing_endpoint()
    if endpoint and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", endpoint):
        raise ImproperlyConfigured(
            f"{endpoint!r} is no address to send to: give it whole, such as"
            " https://collector.example/v1/traces."
        )
    if endpoint and not installed("opentelemetry"):
        raise ImproperlyConfigured(how_to_install("opentelemetry-sdk", "tracing"))


def _check_tracing_headers() -> None:
    pairs = [each.partition("=") for each in tracing_headers().split(",") if each.strip()]
    if any(not name.strip() or not equals for name, equals, _ in pairs):
        raise ImproperlyConfigured("give name=value pairs with commas between, values URL-encoded.")


def _words(name: str) -> tuple[str, ...]:
    """A list of words, or one text with commas between them."""
    value = _value(name)
    words = value.split(",") if isinstance(value, str) else value
    return tuple(word.strip() for word in words if word.strip())


def _value(name: str) -> Any:
    return getattr(settings, name, DEFAULTS[name])
