"""Settings of the running processes: environment, else the `llm_config` row, else the default.

The names are seed 3's `LLM_*` variables. Source of the order: design, part 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class ProcessSetting:
    """One setting: its variable, what it may hold, and where else its value may come from."""

    variable: str
    default: bool | int | float | str
    help: str
    column: str = ""  # of llm_config; blank when only the environment can set it
    least: float = 0

    def parse(self, raw: str) -> bool | int | float | str:
        """The variable's text as a value; raises ImproperlyConfigured naming the variable."""
        if isinstance(self.default, bool):
            return switch(self.variable, raw)
        if isinstance(self.default, str):
            return raw
        return number(self.variable, raw, type(self.default), self.least)


def switch(name: str, raw: str) -> bool:
    """True or false from the usual words; raises ImproperlyConfigured naming the variable."""
    word = raw.strip().lower()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise ImproperlyConfigured(f"{name}: {raw!r} is neither true nor false.")


def number(name: str, raw: str, kind: type[Number], least: float) -> Number:
    """A number held to its lower bound; raises ImproperlyConfigured naming the variable."""
    try:
        value = kind(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {raw!r} is not a number.") from error
    if not value >= least:  # also refuses NaN
        raise ImproperlyConfigured(f"{name}: {raw} is below {least:g}.")
    return value


DEFINITIONS = (
    ProcessSetting(
        "LLM_DEFAULT_MODEL", "openrouter/auto", "Model reference for whatever names no model."
    ),
    ProcessSetting("LLM_RETRY_MAX_ATTEMPTS", 3, "Requests to one target within one call.", least=1),
    ProcessSetting("LLM_RETRY_BASE_DELAY", 1.0, "Seconds before the first repeated request."),
    ProcessSetting("LLM_RETRY_MAX_DELAY", 60.0, "Longest pause between requests, in seconds."),
    ProcessSetting("LLM_DEADLINE_SECONDS", 300.0, "Longest time for one call, fallbacks included."),
    ProcessSetting(
        "LLM_BATCH_DEFAULT_SIZE", 5, "Results that start a write.", column="batch_size", least=1
    ),
    ProcessSetting("LLM_BATCH_MAX_SIZE", 25, "The most that the size may be.", least=1),
    ProcessSetting("LLM_BATCH_COMMIT_FREQUENCY", 1, "Sizes that make one write.", least=1),
    ProcessSetting("LLM_BATCH_CONCURRENT", 10, "Calls in flight in one lane.", least=1),
    ProcessSetting(
        "LLM_BATCH_ERROR_BUDGET", 0.5, "Share of failed rows above which a batch pauses."
    ),
    ProcessSetting(
        "LLM_AUTO_BATCH_ROWS", 500, "The most rows of a batch that starts by itself.", least=1
    ),
    ProcessSetting("LLM_FEATURE_DESCRIPTION_CLEANING", True, "Allows description cleaning."),
    ProcessSetting("LLM_FEATURE_DOG_PROFILER", True, "Allows personality profiles."),
    ProcessSetting("LLM_FEATURE_TRANSLATION", True, "Allows translations."),
    ProcessSetting("LLM_FEATURE_TAGGING", True, "Allows tagging."),
    ProcessSetting("LLM_FEATURE_ENTITY_EXTRACTION", True, "Allows entity extraction."),
    ProcessSetting("LLM_FEATURE_RESPOND", True, "Allows answers to adopters' questions."),
    ProcessSetting(
        "LLM_FEATURE_PATTERN_WORDING",
        True,
        "Lets the analytics model word what patterns propose for prompts.",
    ),
    ProcessSetting(
        "LLM_CACHE_ENABLED",
        True,
        "Answers identical requests from the response cache.",
        column="cache_responses",
    ),
    ProcessSetting("LLM_CACHE_MAX_SIZE", 1000, "Answers that one process keeps.", least=1),
    ProcessSetting(
        "LLM_CACHE_SHARED_SIZE", 10_000, "Answers that all processes share in Redis.", least=1
    ),
    ProcessSetting("LLM_CACHE_TTL_SECONDS", 3600, "How long an answer is kept.", least=1),
    ProcessSetting(
        "LLM_COOLDOWN_FAILURES",
        5,
        "Passing failures in a row after which a target is left alone; 0 is never.",
    ),
    ProcessSetting(
        "LLM_COOLDOWN_SECONDS", 10.0, "How long, the first time; then longer, up to 12 times."
    ),
    ProcessSetting("LLM_FEATURE_METRICS", True, "Records each call in the metrics tables."),
    ProcessSetting("LLM_FEATURE_HISTORY", True, "Keeps the texts of recorded calls."),
    ProcessSetting(
        "LLM_METRICS_KEEP_MONTHS", 0, "Whole months before this one whose calls stay; 0 is all."
    ),
    ProcessSetting(
        "LLM_HISTORY_KEEP_MONTHS", 6, "Whole months before this one whose texts stay; 0 is all."
    ),
)
BY_VARIABLE = {definition.variable: definition for definition in DEFINITIONS}


def read_environment(environment: Mapping[str, str]) -> dict[str, bool | int | float | str]:
    """The settings that the environment holds, parsed; blank ones count as not set.

    Raises ImproperlyConfigured that names the variable.
    """
    return {
        definition.variable: definition.parse(raw)
        for definition in DEFINITIONS
        if (raw := environment.get(definition.variable, "").strip())
    }


def effective(
    variable: str, *, environment: Mapping[str, Any], row: Mapping[str, Any]
) -> Any:  # a bool, int, float or str, as the definition's default
    """The value in force, by the stated order."""
    definition = BY_VARIABLE[variable]
    if variable in environment:
        return environment[variable]
    if definition.column and definition.column in row:
        return row[definition.column]
    return definition.default
