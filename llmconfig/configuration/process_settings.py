"""The `LLM_*` settings with defaults and help: environment, else `llm_config` row, else default.

Each app registers those that its own code reads; an enrichment brings its switch and its limits.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.configuration import time_zones

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Number = TypeVar("Number", int, float)

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
MAX_NUMBER = 1e9  # 30 years of seconds; what is far larger is no date, wait or column any more


class ProcessSetting(Struct, frozen=True):
    """One setting: its variable, what it may hold, and where else its value may come from."""

    variable: str
    default: bool | int | float | str
    help: "StrOrPromise"
    column: str = ""  # of llm_config; blank when only the environment can set it
    least: float = 0
    greatest: float = MAX_NUMBER
    most: str = ""  # the variable that says how much it may be; blank: any
    is_time_zone: bool = False
    # What it is by LLM_DEFAULTS; None: the default.
    in_development: bool | int | float | str | None = None
    in_production: bool | int | float | str | None = None

    def default_here(self) -> bool | int | float | str:
        """The default in this installation, by its LLM_DEFAULTS."""
        if self.in_development is None and self.in_production is None:
            return self.default
        here = {"development": self.in_development, "production": self.in_production}.get(
            project_settings.defaults_for()
        )
        return self.default if here is None else here

    def parse(self, raw: str) -> bool | int | float | str:
        """The variable's text as a value; raises ImproperlyConfigured naming the variable."""
        if isinstance(self.default, bool):
            return switch(self.variable, raw)
        if self.is_time_zone:
            return _time_zone(self.variable, raw)
        if isinstance(self.default, str):
            return raw
        return number(self.variable, raw, type(self.default), self.least, self.greatest)


def switch(name: str, raw: str) -> bool:
    """True or false from the usual words; raises ImproperlyConfigured naming the variable."""
    word = raw.strip().lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ImproperlyConfigured(f"{name}: {raw!r} is neither true nor false.")


def _time_zone(name: str, raw: str) -> str:
    try:
        return time_zones.named(raw).key
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error


def number(
    name: str, raw: str, kind: type[Number], least: float, greatest: float = MAX_NUMBER
) -> Number:
    """A number held to its bounds; raises ImproperlyConfigured naming the variable."""
    try:
        value = kind(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {raw!r} is not a number.") from error
    if not value >= least:  # also refuses NaN
        raise ImproperlyConfigured(f"{name}: {raw} is below {least:g}.")
    if value > greatest:
        raise ImproperlyConfigured(f"{name}: {raw} is above {greatest:,.0f}.")
    return value


OWN = (
    ProcessSetting(
        "LLM_DEFAULT_MODEL", "openrouter/auto", _("Model reference for whatever names no model.")
    ),
    ProcessSetting(
        "LLM_RETRY_MAX_ATTEMPTS",
        3,
        _("Requests to one target within one call."),
        least=1,
        in_production=5,
    ),
    ProcessSetting(
        "LLM_RETRY_BASE_DELAY",
        1.0,
        _("Longest pause before the first repeated request, in seconds."),
    ),
    ProcessSetting("LLM_RETRY_MAX_DELAY", 60.0, _("Longest pause between requests, in seconds.")),
    ProcessSetting(
        "LLM_DEADLINE_SECONDS", 900.0, _("Longest time for one call, fallbacks included.")
    ),
    ProcessSetting(
        "LLM_TIME_ZONE",
        "",
        _("Zone of the days of figures and budgets; blank is Django's TIME_ZONE."),
        is_time_zone=True,
    ),
    ProcessSetting(
        "LLM_STREAM_SILENCE_SECONDS",
        300.0,
        _("Longest pause between two pieces of a streamed answer, in seconds."),
        least=0.05,
    ),
    ProcessSetting(
        "LLM_STREAM_KEEPALIVE_SECONDS",
        5.0,
        _("Silence after which /v1 sends a comment in a stream, in seconds."),
        least=0.05,
    ),
    ProcessSetting(
        "LLM_SHUTDOWN_SECONDS",
        30.0,
        _("How long calls of /v1 go on after SIGTERM, until they are ended with an error."),
    ),
    ProcessSetting(
        "LLM_DATABASE_LOST_SECONDS",
        120.0,
        _(
            "How long calls go on by the last known"
            " configuration and keys while the database is away."
        ),
    ),
    ProcessSetting(
        "LLM_RESPONSES_KEEP_DAYS",
        30,
        _("Days that answers of /v1/responses are kept for previous_response_id; 0 keeps none."),
        greatest=36_500,
    ),
    ProcessSetting(
        "LLM_IDEMPOTENCY_SECONDS",
        86_400,
        _("How long /v1 remembers an answer by its Idempotency-Key, in seconds."),
        least=1,
    ),
    ProcessSetting(
        "LLM_CACHE_ENABLED",
        True,
        _("Answers identical requests from the response cache."),
        column="cache_responses",
    ),
    ProcessSetting(
        "LLM_CACHE_MAX_SIZE",
        1000,
        _("Answers that one process keeps."),
        least=1,
        in_development=200,
        in_production=2000,
    ),
    ProcessSetting(
        "LLM_CACHE_SHARED_SIZE",
        10_000,
        _("Answers that all processes share in Redis."),
        least=1,
        in_development=2000,
    ),
    ProcessSetting("LLM_CACHE_TTL_SECONDS", 3600, _("How long an answer is kept."), least=1),
    ProcessSetting(
        "LLM_COOLDOWN_FAILURES",
        5,
        _("Passing failures in a row after which a target is left alone; 0 is never."),
    ),
    ProcessSetting(
        "LLM_COOLDOWN_SECONDS", 10.0, _("How long, the first time; then longer, up to 12 times.")
    ),
)
_registered: dict[str, ProcessSetting] = {each.variable: each for each in OWN}
# Values that no row of ours may say, as last asked for: a call asks for four.
fixed: dict[str, Any] = {}
# The others, by the row that was asked with last: the one of the snapshot in force.
_by_row: list[tuple[Mapping[str, Any], dict[str, Any]]] = [({}, {})]


def register(*definitions: ProcessSetting) -> None:
    """Make settings known, and read those that are fixed; blank counts as not set.

    Fixed is what the environment holds, or else the project's settings under the same name.

    For an app's `ready`. Raises ImproperlyConfigured for a value that is none, naming the variable,
    and ValueError where another setting of the same name is known.
    """
    for each in definitions:
        if _registered.setdefault(each.variable, each) != each:
            raise ValueError(f"{each.variable} is registered already, with another meaning.")
        raw = os.environ.get(each.variable, "").strip()
        raw = raw or project_settings.fixed_in_settings(each.variable)
        if raw:
            project_settings.process_values()[each.variable] = each.parse(raw)
    _forget_values()


def register_own() -> None:
    """Read what the environment holds for llmconfig itself; see `register`."""
    register(*OWN)


def unregister(*variables: str) -> None:
    """Forget settings whose reader is gone; unknown ones are passed over."""
    _forget_values()
    for each in variables:
        _registered.pop(each, None)
        project_settings.process_values().pop(each, None)


def is_known(variable: str) -> bool:
    """Whether a setting of this name is registered."""
    return variable in _registered


def definitions() -> tuple[ProcessSetting, ...]:
    """All registered settings, llmconfig's own first."""
    return tuple(_registered.values())


def default_of(variable: str) -> Any:
    """A registered setting's default in this installation; raises KeyError."""
    return _registered[variable].default_here()


def effective(
    variable: str, *, environment: Mapping[str, Any], row: Mapping[str, Any]
) -> Any:  # a bool, int, float or str, as the definition's default
    """The value in force, by the stated order."""
    definition = _registered[variable]
    if variable in environment:
        return environment[variable]
    if definition.column and definition.column in row:
        return row[definition.column]
    return definition.default_here()


def in_force(variable: str, *, row: Mapping[str, Any]) -> Any:
    """The same by this process's environment; raises KeyError for a variable that isn't known.

    A row is not to be changed once it was asked with: its values are remembered.
    """
    if variable in fixed:
        return fixed[variable]
    of_row, known = _by_row[0]
    if row is of_row and variable in known:
        return known[variable]
    value = effective(variable, environment=project_settings.process_values(), row=row)
    if not _registered[variable].column:
        fixed[variable] = value
    elif row is of_row:
        known[variable] = value
    else:
        _by_row[0] = (row, {variable: value})
    return value


def _forget_values(**_: Any) -> None:
    """Read them anew: settings were registered, or tests change what the project's say."""
    fixed.clear()
    _by_row[0] = ({}, {})


setting_changed.connect(_forget_values)


def above_their_most(given: Mapping[str, Any]) -> dict[str, str]:
    """Columns of `llm_config` whose new values are more than another setting allows, each with why
    and the way out.
    """
    environment = project_settings.process_values()
    found = {}
    for each in definitions():
        value = given.get(each.column) if each.most else None
        if value is not None and value > (
            most := effective(each.most, environment=environment, row={})
        ):
            found[each.column] = (
                f"Give {most} at most, or raise {each.most} in the environment first."
            )
    return found
