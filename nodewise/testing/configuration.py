"""The configuration while a fake provider is active: every node leads to it, no row is read."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.apps import apps

from llmconfig import project_settings
from llmconfig.configuration.facts import Choice, ModelFacts, NodeFacts, ProviderFacts
from llmconfig.configuration.pricing import PriceFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.configuration.sync import nodes_file
from llmconfig.models import InteractionType, LLMConfig

PROVIDER = "fake"
TIMEOUT_SECONDS = 30
PRICE = PriceFacts(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), Decimal(1), Decimal(2), None, None)
NOTHING: Mapping[Any, Any] = MappingProxyType({})


def pointing_at(url: str, extra: Collection[str]) -> Snapshot:
    """A snapshot in which each name is the id of a model of the fake, which so tells who asked."""
    nodes = _nodes(extra)
    names = [*InteractionType.values, *nodes]
    models = {(PROVIDER, name): _model(name) for name in names}
    return Snapshot(
        revision=0,
        token=None,
        providers={PROVIDER: _provider(url)},
        models=models,
        listed={name: (models[PROVIDER, name],) for name in names},
        tiers=NOTHING,
        interactions={name: Choice(model=f"{PROVIDER}/{name}") for name in InteractionType.values},
        nodes=nodes,
        user_choices=NOTHING,
        experiments=NOTHING,
        degradations=NOTHING,
        budgets=(),
        processing=_processing(),
        refused=NOTHING,
    )


def _nodes(extra: Collection[str]) -> dict[str, NodeFacts]:
    """By name: of the project's files, with their parameters, of its enrichments, and `extra`."""
    found = {name: _node(name, InteractionType.ENRICHER, {}) for name in (*extra, *_enriching())}
    for path in project_settings.nodes_files():
        if not path.exists():
            continue
        for entry in nodes_file.read(path):
            if not entry.section:
                kind = str(entry.values.get("interaction_type") or InteractionType.REASONING)
                found[entry.name] = _node(entry.name, kind, entry.values)
    return found


def _enriching() -> Iterator[str]:
    if apps.is_installed("enrichment"):
        from enrichment import enrichments  # noqa: PLC0415 - an app that may be left out

        yield from (each.node for each in enrichments.coded())


def _node(name: str, interaction_type: str, values: Mapping[str, Any]) -> NodeFacts:
    choice = Choice(
        model=f"{PROVIDER}/{name}",
        temperature=values.get("default_temperature"),
        max_tokens=values.get("default_max_tokens"),
    )
    return NodeFacts(name, interaction_type, choice, azure=Choice(), tracing=False)


def _provider(url: str) -> ProviderFacts:
    return ProviderFacts(
        name=PROVIDER,
        provider_type="custom",
        base_url=url,
        api_key="",
        key_place="",
        secret_ref="",
        api_version="",
        timeout_seconds=TIMEOUT_SECONDS,
        priority=1,
        weight=1,
        is_enabled=True,
    )


def _model(name: str) -> ModelFacts:
    return ModelFacts(
        provider=PROVIDER,
        model_id=name,
        kind="embedding" if name == InteractionType.EMBEDDINGS else "chat",
        tier="",
        context_window=None,
        max_output_tokens=None,
        supports_streaming=True,
        supports_temperature=True,
        supports_json_schema=True,
        supports_tools=True,
        prices=(PRICE,),
    )


def _processing() -> Mapping[str, Any]:
    """The settings as they are seeded, but calls are on, and nothing waits or is remembered."""
    row = LLMConfig(enabled=True, cache_responses=False, retry_delay=0, provider_id=PROVIDER)
    return {each.attname: getattr(row, each.attname) for each in LLMConfig._meta.fields}  # noqa: SLF001
