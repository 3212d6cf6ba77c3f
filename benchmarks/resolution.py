"""`python -m benchmarks.resolution`: one resolution beside one `get()` of the ORM.

Needs a migrated database in DATABASE_URL, such as `python -m project.embedded` brings; its rows are
rolled back.
"""

import statistics
import time
from collections.abc import Callable

import django

ROUNDS, CALLS = 7, 2000


def main() -> None:
    """Print microseconds and the ratio to the ORM."""
    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        _measure()
        transaction.set_rollback(True)


def _measure() -> None:
    from llmconfig.configuration import snapshot
    from llmconfig.configuration.resolution import resolve
    from llmconfig.models import NodeConfiguration

    _fill()
    snapshot.expire()
    state = snapshot.current()
    measured = {
        "resolve a node": lambda: resolve("node-7", snapshot=state),
        "with a user's choice": lambda: resolve("node-7", snapshot=state, user_id=1),
        "with a caller's value": lambda: resolve(
            "node-7", snapshot=state, given={"temperature": 0.1}
        ),
        "in an experiment of two arms": lambda: resolve(
            "node-8", snapshot=state, experiment_key="row-1"
        ),
        "over two providers by weight": lambda: resolve("node-9", snapshot=state),
        "ORM get()": lambda: NodeConfiguration.objects.get(node_name="node-7"),
    }
    times = {name: _microseconds(call) for name, call in measured.items()}
    orm = times["ORM get()"]
    for name, took in times.items():
        print(f"{name:32} {took:8.2f} us   ORM get() takes {orm / took:6.1f} times as long")


def _fill() -> None:
    from llmconfig.models import (
        Experiment,
        ExperimentStatus,
        LLMConfig,
        NodeConfiguration,
        Provider,
        ProviderModel,
    )

    providers = [Provider.objects.create(name=f"p{n}", provider_type="local") for n in range(5)]
    for provider in providers:
        for number in range(40):
            ProviderModel.objects.create(provider=provider, model_id=f"{provider.name}-{number}")
    for provider in providers[:2]:
        ProviderModel.objects.create(provider=provider, model_id="shared")
    LLMConfig.objects.update_or_create(pk=1, defaults={"provider": providers[0], "enabled": True})
    for number in range(50):
        NodeConfiguration.objects.create(
            node_name=f"node-{number}",
            default_model="shared" if number == 9 else "p1/p1-3",
            default_temperature=0.3,
            fallbacks=["p2/p2-1", "p3-2"],
        )
    trial = Experiment.objects.create(
        name="trial",
        node=NodeConfiguration.objects.get(node_name="node-8"),
        status=ExperimentStatus.RUNNING,
    )
    trial.arms.create(name="a")
    trial.arms.create(name="b", temperature=0.9)


def _microseconds(call: Callable[[], object]) -> float:
    """The median of several rounds, a call."""
    call()
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        rounds.append((time.perf_counter() - began) / CALLS * 1e6)
    return statistics.median(rounds)


if __name__ == "__main__":
    main()
