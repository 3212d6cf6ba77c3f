"""Listings, and a provider at the simulator that answers for every enrichment."""

from collections.abc import Callable
from typing import Any

import pytest

from enrichment.models import Animal, Organization
from llmconfig import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from tests.llmconfig.conftest import (  # noqa: F401 - fixtures
    connections_of_the_background_loop,
    fast,
    make_provider,
    simulator,
    simulator_process,
)

ENRICHMENTS = ("description_cleaning", "dog_profiler", "translation")


@pytest.fixture
def provider(make_provider: Any, settings: Any) -> Any:  # noqa: F811 - a fixture
    """The simulator as `sim`, with a node for each enrichment, switched on; rounds come at once."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 0.05}
    made = make_provider("sim")
    for name in ENRICHMENTS:
        NodeConfiguration.objects.create(
            node_name=name, interaction_type="enricher", default_model="sim/gpt-4o-mini"
        )
    LLMConfig.objects.filter(pk=1).update(retry_delay=0)
    snapshot.expire()
    return made


@pytest.fixture
def make_animals() -> Callable[..., list[Animal]]:
    """Listings with distinct texts."""

    def make(count: int, **fields: Any) -> list[Animal]:
        organization, _ = Organization.objects.get_or_create(
            external_id="o1", defaults={"slug": "rescue", "name": "Rescue"}
        )
        start = Animal.objects.count()
        return Animal.objects.bulk_create(
            Animal(
                organization=organization,
                external_id=f"a{start + number}",
                name=f"Dog {start + number}",
                **{"description": f"Dog {start + number} likes to run and play ball.", **fields},
            )
            for number in range(count)
        )

    return make
