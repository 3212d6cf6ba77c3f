"""Whether the models that configuration names exist, by the catalogues of enabled providers.

A provider without a catalogue may serve anything: nothing that is asked of it is refused. Tiers are
names of one's own, and are left to the note that resolution gives.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext, ngettext
from msgspec import Struct

from llmconfig.configuration import references, snapshot
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    ExperimentArm,
    GlobalConfig,
    LLMConfig,
    NodeConfiguration,
    UserConfig,
)
from llmconfig.models.assignments import REFERENCE_RULE

ALLOWED = "allow_unlisted_models"  # the column that says “it exists all the same”
MAX_NEAR = 3
# Columns that hold references, each with the column that names the provider to ask.
COLUMNS: Mapping[type[Model], Mapping[str, str]] = {
    NodeConfiguration: {
        "default_model": "provider",
        "fallbacks": "",
        "cascade_model": "",
        "judge_model": "",
    },
    GlobalConfig: {"model": "", "fallbacks": "", "degrade_to": ""},
    UserConfig: {"model": ""},
    ExperimentArm: {"model": "provider"},
    LLMConfig: {
        "model_tagger": "provider",
        "model_enricher": "provider",
        "model_analytics": "provider",
        "model_responder": "provider",
        "backup_model": "backup_provider",
    },
}


class _Named(Struct, frozen=True):
    """A model that a row names, in which column, and the provider that it is bound to."""

    column: str
    reference: str
    provider: str


def refuse_unlisted(
    table: type[Model],
    new: Mapping[str, Any],
    old: Mapping[str, Any],
    *,
    listed_by_disabled: bool = False,
) -> None:
    """Refuse a row that would newly name a model which no enabled provider lists.

    The arguments are those of `unlisted`. Raises ChangeRefused that names the column and the
    nearest models.
    """
    for refusal in unlisted(table, new, old, listed_by_disabled=listed_by_disabled):
        raise refusal


def unlisted(
    table: type[Model],
    new: Mapping[str, Any],
    old: Mapping[str, Any],
    *,
    listed_by_disabled: bool = False,
) -> Iterator[ChangeRefused]:
    """The refusals of all models that a row would newly name and no enabled provider lists.

    `new` and `old` are the row's values by column, `old` is empty for a new row. With
    `listed_by_disabled` it is enough that a disabled provider lists it.
    """
    if new.get(ALLOWED):
        return
    known = {(each.column, each.reference) for each in _named(table, old)}
    named = [
        each
        for each in _named(table, new)
        if (each.column, each.reference) not in known
        and re.match(REFERENCE_RULE.regex, each.reference)  # else it is refused for its form
    ]
    if not named:
        return
    state = snapshot.load()  # as this transaction sees it
    for each in named:
        bound = each.provider
        if table is LLMConfig:
            bound = references.bound_in_settings(each.reference, bound, state)
        problem = problem_of(
            each.reference, state, bound_to=bound, listed_by_disabled=listed_by_disabled
        )
        if problem:
            yield ChangeRefused(
                gettext("{problem} If it exists all the same, set {allowed}.").format(
                    problem=problem, allowed=ALLOWED
                ),
                field=each.column,
            )


def _named(table: type[Model], values: Mapping[str, Any]) -> Iterable[_Named]:
    for column, provider_column in COLUMNS[table].items():
        found = values.get(column) or ()
        provider = values.get(provider_column) or ""
        name = str(getattr(provider, "name", provider))
        for each in (found,) if isinstance(found, str) else found:
            yield _Named(column, each, name)


def problem_of(
    reference: str, state: Snapshot, *, bound_to: str = "", listed_by_disabled: bool = False
) -> str:
    """Why a reference leads to no listed model; blank if it does, or if nobody can know."""
    if not reference or reference.startswith(references.TIER_PREFIX):
        return ""
    catalogues = _catalogues(state)
    default = str(state.processing.get("provider_id") or "")
    reading = references.read(reference, state, bound_to=bound_to, default_provider=default)
    if any(each.model is not None for each in reading.candidates):
        return ""
    asked = references.provider_named(reference, state, bound_to=bound_to)
    if asked and asked not in catalogues and asked in state.providers:
        return ""
    # Of a bare name, the default provider is asked.
    if not asked and (not _enabled(catalogues, state) or _serves_anything(default, state)):
        return ""
    wanted = reference.removeprefix(f"{asked}/")
    if listed_by_disabled and any(wanted in models for models in catalogues.values()):
        return ""
    return _described(reference, wanted, asked, catalogues, state)


def nearest(model_id: str, state: Snapshot, *, provider: str = "") -> list[str]:
    """Listed models whose names are like this one, as `provider/model`; a provider's own first."""
    catalogues = _catalogues(state)
    return _nearest(model_id, provider, catalogues, state)


def is_discovered(provider: str, state: Snapshot) -> bool:
    """Whether we know any model of a provider: without a list, nobody can say what it serves."""
    return any(each == provider for each, _ in state.models)


def rows_that_allow_unlisted() -> dict[type[Model], set[str]]:
    """By table, the names of the rows that say of their models that they exist all the same."""
    names = {
        NodeConfiguration: "node_name", GlobalConfig: "interaction_type",
        ExperimentArm: "pk", LLMConfig: "pk",
    }  # fmt: skip
    return {
        table: {
            str(each)
            for each in table._default_manager.filter(  # noqa: SLF001 - Django's API
                **{ALLOWED: True}
            ).values_list(name, flat=True)
        }
        for table, name in names.items()
    }


def _catalogues(state: Snapshot) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for provider, model_id in state.models:
        found.setdefault(provider, []).append(model_id)
    return found


def _enabled(catalogues: Mapping[str, list[str]], state: Snapshot) -> list[str]:
    return [name for name in catalogues if state.providers[name].is_enabled]


def _serves_anything(name: str, state: Snapshot) -> bool:
    provider = state.providers.get(name)
    listed = any(each == name for each, _ in state.models)
    return provider is not None and provider.is_enabled and not listed


def _described(
    reference: str,
    wanted: str,
    asked: str,
    catalogues: Mapping[str, list[str]],
    state: Snapshot,
) -> str:
    """What is wrong, and which listed models are meant perhaps."""
    enabled = _enabled(catalogues, state)
    disabled = [
        name for name, models in catalogues.items() if name not in enabled and wanted in models
    ]
    if asked and asked not in state.providers:
        sentence = gettext("There is no provider {name!r}.").format(name=asked)
    elif disabled and (not asked or asked in disabled):
        sentence = ngettext(
            "No enabled provider lists {reference!r}: {names} lists it, but is disabled.",
            "No enabled provider lists {reference!r}: {names} list it, but are disabled.",
            len(disabled),
        ).format(reference=reference, names=", ".join(disabled))
    elif asked:
        sentence = gettext("{provider} doesn't list {model!r}.").format(
            provider=asked, model=wanted
        )
    else:
        sentence = gettext("No enabled provider lists {reference!r}.").format(reference=reference)
    near = _nearest(wanted, asked, catalogues, state)
    if not near:
        return sentence
    hint = gettext("Did you mean {names}?").format(names=", ".join(near))
    return f"{sentence} {hint}"


def _nearest(
    wanted: str, asked: str, catalogues: Mapping[str, list[str]], state: Snapshot
) -> list[str]:
    enabled = _enabled(catalogues, state)
    own = [asked] if asked in enabled else []
    pool = {model: f"{name}/{model}" for name in [*enabled, *own] for model in catalogues[name]} | {
        f"{name}/{model}": f"{name}/{model}" for name in own for model in catalogues[name]
    }
    return list(
        dict.fromkeys(pool[each] for each in get_close_matches(wanted, pool, MAX_NEAR, 0.5))
    )
