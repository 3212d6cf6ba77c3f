"""The rows that the endpoint's benchmark needs: providers, nodes, a key; and a crowd beside them.

`python -m benchmarks.gateway_rows '{"simulator": …, "pieces": …, "crowded": …}'` writes them into
the empty database of DATABASE_URL and prints the caller's key on its last line.
"""

import datetime as dt
import json
import os
import sys
from decimal import Decimal

import django

KEYS, NODES, BUDGETS = 10_000, 1_000, 200


def configure(simulator: str, pieces: str) -> str:
    """Write the rows that the gateway needs to answer, and return the key of its caller.

    `simulator` and `pieces` are the addresses of the providers of whole and of streamed answers.
    """
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

    with change(source="shell", message="Benchmark"):
        for name, address, node in (
            ("streamer", pieces, "streamed"),
            ("simulated", simulator, "chat"),
        ):
            provider = Provider(name=name, provider_type="custom", api_base_url=address)
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
                node_name=node,
                interaction_type=InteractionType.ENRICHER,
                default_model=f"{name}/gpt-4o-mini",
            )
        LLMConfig.objects.update_or_create(pk=1, defaults={"provider": provider, "enabled": True})
    with change(source="shell", message="Benchmark"):
        _, key = make_key("benchmark", scope=Scope(names=("chat", "streamed")))
    return key.reveal()


def crowd() -> None:
    """Many keys, nodes and budgets beside them; no budget counts the benchmark's own calls."""
    from llmconfig.configuration.revisions import change
    from llmconfig.gateway.keys import give_key
    from llmconfig.models import Budget, BudgetPeriod, BudgetScope, InteractionType
    from llmconfig.models import NodeConfiguration as Node
    from llmconfig.models.gateway import GatewayKey

    kind, model = InteractionType.ENRICHER, "simulated/gpt-4o-mini"
    keys = [GatewayKey(name=f"key {at}", allows_everything=True) for at in range(KEYS)]
    nodes = [
        Node(node_name=f"node_{at}", interaction_type=kind, default_model=model)
        for at in range(NODES)
    ]
    budgets = [
        Budget(
            name=f"budget {at}",
            scope=BudgetScope.ACCOUNT,
            scope_value=f"key {at}",
            period=BudgetPeriod.DAY,
            hard_limit_usd=Decimal(100),
        )
        for at in range(BUDGETS)
    ]
    for each in keys:
        give_key(each)
    with change(source="shell", message="Benchmark"):
        GatewayKey.objects.bulk_create(keys)
        Node.objects.bulk_create(nodes)
        Budget.objects.bulk_create(budgets)


def main() -> None:
    """Migrate an empty database, write the rows and print the key."""
    from django.core.management import call_command

    given = json.loads(sys.argv[1])
    call_command("migrate", verbosity=0)
    key = configure(given["simulator"], given["pieces"])
    if given["crowded"]:
        crowd()
    print(key)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    main()
