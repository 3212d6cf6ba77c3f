"""Which model speaks in the demo, and how the configuration is pointed at it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from django.core.management.base import CommandError
from django.db.models import Q
from httpx2 import Client, HTTPError

from llmconfig.configuration.revisions import change
from llmconfig.configuration.seeding import Wishes, seed
from llmconfig.models import (
    GlobalConfig,
    InteractionType,
    LLMConfig,
    NodeConfiguration,
    Provider,
)

OLLAMA = os.environ.get("OLLAMA_URL", "http://127.0.0.1:11434")
HOSTED_MODELS = {
    "openai": ("OPENAI_API_KEY", "gpt-4o-mini"),
    "anthropic": ("ANTHROPIC_API_KEY", "claude-haiku-5-5"),
    "openrouter": ("OPENROUTER_API_KEY", "openrouter/auto"),
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who answers: said in plain words, and how many rows are bearable by default.

    `language` is the one that the demo has listings translated into; blank for a model that knows
    no other language well enough (docs/quality.md).
    """

    words: str
    model: str
    rows: int
    lanes: int
    in_flight: int
    language: str = "es"
    by_any_name: bool = False  # it answers whatever model a request names


def configure(llm: str, environment: Mapping[str, str]) -> Speaker:
    """Seed the configuration, switch it on, and point enrichment at the asked model.

    Raises CommandError with the way out, and ChangeRefused.
    """
    if llm in HOSTED_MODELS:
        return _hosted(llm)
    if llm == "ollama":
        model = _ollama_model()
        seed(Wishes(enable=True, local_url=f"{OLLAMA}/v1", local_model=model))
        return Speaker(
            f"{model}, served by Ollama at {OLLAMA}", model, rows=6, lanes=1, in_flight=2
        )
    url, model = environment.get("LLM_LOCAL_URL", ""), environment.get("LLM_LOCAL_MODEL", "")
    if not url or not model:
        raise CommandError("No model server is running: start the demo with `make demo`.")
    seed(Wishes(enable=True, local_url=url, local_model=model))
    words = environment.get("LLM_LOCAL_MODEL_LABEL", model)
    if llm == "simulator":
        return Speaker(words, model, rows=300, lanes=2, in_flight=50, by_any_name=True)
    return Speaker(words, model, rows=3, lanes=1, in_flight=4, language="", by_any_name=True)


def serve_everything(model: str) -> None:
    """Have this model answer all kinds of use, and nodes that name a hosted one by that name.

    A first look shall not begin with a list of problems. Where somebody has switched another
    provider on, the settings are theirs.
    """
    if Provider.objects.filter(is_enabled=True).count() > 1:
        return
    with change(source="seed", message="The demo's one model answers by any name."):
        vectors = Q(interaction_type=InteractionType.EMBEDDINGS)
        GlobalConfig.objects.exclude(vectors).update(model=model)
        GlobalConfig.objects.filter(vectors).update(allow_unlisted_models=True)
        NodeConfiguration.objects.update(allow_unlisted_models=True)


def _hosted(llm: str) -> Speaker:
    _, model = HOSTED_MODELS[llm]
    seed(Wishes(enable=True, providers=(llm,)))
    with change(source="seed", message=f"The demo speaks with {llm}."):
        LLMConfig.objects.update(
            provider=Provider.objects.get(name=llm), model_enricher=model, model_tagger=model
        )
    return Speaker(f"{model} at {llm}, paid from your account", model, rows=6, lanes=1, in_flight=6)


def _ollama_model() -> str:
    found = ollama_models()
    if not found:
        raise CommandError(
            f"Ollama doesn't answer at {OLLAMA}, or has no model: run `ollama pull llama3.2`,"
            " or set OLLAMA_URL."
        )
    return found[0]


def ollama_models() -> list[str]:
    """The models of a reachable Ollama; empty if there is none."""
    try:
        with Client(timeout=0.5, trust_env=False) as client:
            listed = orjson.loads(client.get(f"{OLLAMA}/api/tags").content)
        return [model["name"] for model in listed["models"]]
    except (HTTPError, OSError, ValueError, KeyError, TypeError):
        return []


def offers(environment: Mapping[str, str], *, chosen: str) -> list[str]:
    """How to use what else is at hand; nobody's money is spent unasked."""
    lines = [
        f"{variable} is set: `make demo LLM={name}` uses it (and its money)."
        for name, (variable, _) in HOSTED_MODELS.items()
        if environment.get(variable) and name != chosen
    ]
    if chosen != "ollama" and ollama_models():
        lines.append("Ollama is running here: `make demo LLM=ollama` uses it.")
    if chosen != "simulator":
        lines.append("`make demo LLM=simulator ROWS=3000` shows scale, with simulated texts.")
    return lines
