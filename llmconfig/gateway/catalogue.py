"""What `/v1/models` lists: the names that a caller may put into `model`."""

from collections.abc import Iterator

from msgspec import Struct

from llmconfig.configuration.facts import ModelFacts
from llmconfig.configuration.references import TIER_PREFIX
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.gateway.access import Caller
from llmconfig.gateway.reading import JSON
from llmconfig.gateway.refusals import unknown_model
from llmconfig.models import InteractionType, ModelKind

BEGINNING = "1970-01-01T00:00:00Z"  # both vendors' entries have a date, and ours mean nothing


class CallableName(Struct, frozen=True):
    """A name that may stand in `model`: whose it is, and the model that it stands for, if known."""

    name: str
    owner: str
    model: ModelFacts | None = None

    @property
    def embeds(self) -> bool:
        """Whether it makes vectors rather than answers."""
        if self.model is not None:
            return self.model.kind == ModelKind.EMBEDDING
        return self.name == InteractionType.EMBEDDINGS


def names(caller: Caller, configuration: Snapshot) -> Iterator[CallableName]:
    """All that may be called: nodes, interaction types, tiers, models."""
    if caller.node:
        yield CallableName(caller.node, "node", _model_of(caller.node, configuration))
        return
    for name in configuration.nodes:
        if caller.may_call(name):
            yield CallableName(name, "node", _model_of(name, configuration))
    for name in InteractionType.values:
        if caller.may_call(name) and name not in configuration.nodes:
            yield CallableName(name, "interaction type", _model_of(name, configuration))
    if caller.everything:
        for tier, model in configuration.tiers.items():
            yield CallableName(f"{TIER_PREFIX}{tier}", "tier", model)
        for (provider, model_id), model in configuration.models.items():
            if configuration.providers[provider].is_enabled:
                yield CallableName(f"{provider}/{model_id}", provider, model)


def _model_of(name: str, configuration: Snapshot) -> ModelFacts | None:
    """The model that a node or an interaction type asks first."""
    try:
        return resolve(name, snapshot=configuration).targets[0].candidate.model
    except LLMError:
        return None


def openai_list(caller: Caller, configuration: Snapshot) -> JSON:
    """The callable names in the form of OpenAI's list of models."""
    found = [_openai(each) for each in names(caller, configuration)]
    return {"object": "list", "data": found}


def anthropic_list(caller: Caller, configuration: Snapshot) -> JSON:
    """Anthropic's list, all on one page."""
    found = [_anthropic(each) for each in names(caller, configuration)]
    return {
        "data": found,
        "has_more": False,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }


def entry(wanted: str, caller: Caller, configuration: Snapshot, *, anthropic: bool) -> JSON:
    """One of them in a vendor's form; raises RequestRefused (404)."""
    found = find(wanted, caller, configuration)
    return _anthropic(found) if anthropic else _openai(found)


def find(wanted: str, caller: Caller, configuration: Snapshot) -> CallableName:
    """One of them, also by a model's bare id, which may be called too; raises Refused (404)."""
    for each in names(caller, configuration):
        if each.name == wanted:
            return each
    if caller.everything and not caller.node:
        for (provider, model_id), model in configuration.models.items():
            if model_id == wanted and configuration.providers[provider].is_enabled:
                return CallableName(wanted, provider, model)
    raise unknown_model(wanted)


def _openai(each: CallableName) -> JSON:
    """With `type` as Together has it, and the context under vLLM's and OpenRouter's names."""
    told: JSON = {"id": each.name, "object": "model", "created": 0, "owned_by": each.owner}
    told["type"] = "embedding" if each.embeds else "chat"
    if each.model is not None and each.model.context_window is not None:
        told |= dict.fromkeys(("max_model_len", "context_length"), each.model.context_window)
    return told


def _anthropic(each: CallableName) -> JSON:
    return {
        "type": "model",
        "id": each.name,
        "display_name": each.name,
        "created_at": BEGINNING,
        "lifecycle": "active",
        "max_input_tokens": each.model.context_window if each.model is not None else None,
        "max_tokens": each.model.max_output_tokens if each.model is not None else None,
    }
