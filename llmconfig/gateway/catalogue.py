"""What `/v1/models` lists: the names that a caller may put into `model`."""

from collections.abc import Iterator

from llmconfig.configuration.references import TIER_PREFIX
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.gateway.access import Caller
from llmconfig.gateway.reading import JSON
from llmconfig.gateway.refusals import unknown_model
from llmconfig.models import InteractionType

BEGINNING = "1970-01-01T00:00:00Z"  # both vendors' entries have a date, and ours mean nothing


def names(caller: Caller, configuration: Snapshot) -> Iterator[tuple[str, str]]:
    """Name and kind of all that may be called: nodes, interaction types, tiers, models."""
    if caller.node:
        yield caller.node, "node"
        return
    for name in configuration.nodes:
        if caller.may_call(name):
            yield name, "node"
    for name in InteractionType.values:
        if caller.may_call(name) and name not in configuration.nodes:
            yield name, "interaction type"
    if caller.everything:
        for tier in configuration.tiers:
            yield f"{TIER_PREFIX}{tier}", "tier"
        for provider, model_id in configuration.models:
            if configuration.providers[provider].is_enabled:
                yield f"{provider}/{model_id}", provider


def openai_list(caller: Caller, configuration: Snapshot) -> JSON:
    """The callable names in the form of OpenAI's list of models."""
    found = [_openai(name, kind) for name, kind in names(caller, configuration)]
    return {"object": "list", "data": found}


def anthropic_list(caller: Caller, configuration: Snapshot) -> JSON:
    """Anthropic's list, all on one page."""
    found = [_anthropic(name) for name, _ in names(caller, configuration)]
    return {
        "data": found,
        "has_more": False,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }


def entry(wanted: str, caller: Caller, configuration: Snapshot, *, anthropic: bool) -> JSON:
    """One of them, also by a model's bare id, which may be called too; raises Refused (404)."""
    for name, kind in names(caller, configuration):
        if name == wanted:
            return _anthropic(name) if anthropic else _openai(name, kind)
    if caller.everything and not caller.node:
        for provider, model_id in configuration.models:
            if model_id == wanted and configuration.providers[provider].is_enabled:
                return _anthropic(wanted) if anthropic else _openai(wanted, provider)
    raise unknown_model(wanted)


def _openai(name: str, kind: str) -> JSON:
    return {"id": name, "object": "model", "created": 0, "owned_by": kind}


def _anthropic(name: str) -> JSON:
    return {"type": "model", "id": name, "display_name": name, "created_at": BEGINNING}
