"""The rows that the endpoint's benchmark needs: a provider, a node, a key."""

import datetime as dt
from decimal import Decimal

from llmconfig.configuration.revisions import change
from llmconfig.gateway.keys import Scope, make_key
from llmconfig.models import (
    InteractionType,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
)
from llmconfig.secrets import Secret


def configure(simulator: str) -> str:
    """Write the rows that the gateway needs to answer, and return the key of its caller."""
    with change(source="shell", message="Benchmark"):
        provider = Provider(name="simulated", provider_type="custom", api_base_url=simulator)
        provider.set_key(Secret("sk-benchmark-0123456789"))
        provider.save()
        model = ProviderModel.objects.create(provider=provider, model_id="gpt-4o-mini")
        ModelPrice.objects.create(
            model=model,
            valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
            input_per_1m=Decimal("0.15"),
            output_per_1m=Decimal("0.60"),
        )
        NodeConfiguration.objects.create(
            node_name="chat",
            interaction_type=InteractionType.ENRICHER,
            default_model="simulated/gpt-4o-mini",
        )
        LLMConfig.objects.update_or_create(pk=1, defaults={"provider": provider, "enabled": True})
    with change(source="shell", message="Benchmark"):
        _, key = make_key("benchmark", scope=Scope(names=("chat",)))
    return key.reveal()
