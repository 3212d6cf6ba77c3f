"""The layers that may decide a call's model and parameters, most specific first."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from llmconfig import project_settings
from llmconfig.configuration import references
from llmconfig.configuration.facts import ArmFacts, Choice, NodeFacts, UserKey
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import InteractionType

CALLER = "caller"
USER_NODE = "user override for the node"
USER_TYPE = "user override for the interaction type"
EXPERIMENT = "experiment"
NODE = "node"
INTERACTION = "interaction type"
PROCESSING = "processing settings"
DEFAULT_MODEL = "LLM_DEFAULT_MODEL"
ENVIRONMENT = "environment"
TASK_MODELS = {
    InteractionType.TAGGER: "model_tagger",
    InteractionType.ENRICHER: "model_enricher",
    InteractionType.ANALYTICS: "model_analytics",
    InteractionType.RESPONDER: "model_responder",
}
# Where the node stands in the order of the layers.
NODE_AT = 4
# Where the processing settings do; their backup is the last fallback.
PROCESSING_AT = 6
FIELDS = ("model", "provider", "temperature", "max_tokens", "fallbacks")


class LayerValue(Struct, frozen=True):
    """What one layer holds for a field; None or blank is nothing."""

    layer: str
    value: Any


class ResolutionRequest(Struct, frozen=True):
    """What is to be resolved: the name, for whom, and what the caller gave."""

    name: str
    user_id: UserKey | None
    given: Mapping[str, Any]
    experiment: str
    arm: ArmFacts | None
    beside: str


def stacked_choices(
    node: NodeFacts | None, interaction: str, snapshot: Snapshot, asked: ResolutionRequest
) -> list[tuple[str, Choice]]:
    """Every layer's choice, most specific first."""
    nothing = Choice()
    choices, user, given = snapshot.user_choices, asked.user_id, asked.given
    by_node = choices.get((user, f"node:{node.name}"), nothing) if user and node else nothing
    by_type = choices.get((user, f"type:{interaction}"), nothing) if user else nothing
    arm = asked.arm
    return [
        (CALLER, Choice(**{**given, "fallbacks": tuple(given.get("fallbacks", ()))})),
        (USER_NODE, by_node),
        (USER_TYPE, by_type),
        (f"{EXPERIMENT} {asked.experiment}, arm {arm.name}", arm.choice)
        if arm
        else (EXPERIMENT, nothing),
        (NODE, node.choice if node else nothing),
        (INTERACTION, snapshot.interactions.get(interaction, nothing)),
        (PROCESSING, _processing(interaction, snapshot)),
        (DEFAULT_MODEL, Choice(model=_default_model(interaction, snapshot))),
    ]


def _processing(interaction: str, snapshot: Snapshot) -> Choice:
    """The processing settings: their provider with the task's model, and their backup."""
    row = snapshot.processing
    column = TASK_MODELS.get(interaction, "")  # type: ignore[call-overload]  # a str is its own enum
    task_model = row.get(column) or ""
    if interaction == InteractionType.RESPONDER and not task_model:
        task_model = row.get("model_enricher") or ""
    provider = row.get("provider_id", "")
    backup, backup_model = row.get("backup_provider_id"), row.get("backup_model")
    fallbacks: tuple[str, ...] = ()
    if backup and backup_model:
        bound = references.bound_in_settings(backup_model, backup, snapshot)
        reference = backup_model.removeprefix(f"{backup}/")
        fallbacks = (f"{bound}/{reference}" if bound else backup_model,)
    return Choice(
        model=task_model,
        provider=references.bound_in_settings(task_model, provider, snapshot) if task_model else "",
        fallbacks=fallbacks,
    )


def _default_model(interaction: str, snapshot: Snapshot) -> str:
    """LLM_DEFAULT_MODEL; its built-in default only for chats, and while a provider serves it."""
    model = str(snapshot.setting(DEFAULT_MODEL))
    if project_settings.process_values().get(DEFAULT_MODEL):
        return model
    served = interaction != InteractionType.EMBEDDINGS and model in snapshot.listed
    return model if served else ""


def first_set(values: tuple[LayerValue, ...]) -> int | None:
    """The index of the first layer that says something, None if none does."""
    return next((index for index, each in enumerate(values) if not is_blank(each.value)), None)


def is_blank(value: Any) -> bool:
    """Whether a layer's value says nothing: None, an empty text or no fallbacks."""
    return value is None or value in ("", ())
