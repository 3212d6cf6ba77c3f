"""Listings, and a provider at the simulator that answers for every enrichment."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from enrichment.listings.models import Animal, Organization
from enrichment.models import ProviderBatchSubmission
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, ProviderModel
from tests.database import database_url
from tests.enrichment.museum import museum  # noqa: F401 - a fixture
from tests.llmconfig.conftest import (  # noqa: F401 - fixtures
    connections_of_the_background_loop,
    fast,
    make_provider,
    simulator,
    simulator_process,
)

ERRS = {"gpt-4o-mini": {"share": 0.2, "telling": 2.5}}  # what tells its errors: likelihoods
ENRICHMENTS = ("description_cleaning", "dog_profiler", "translation")


@pytest.fixture
def provider(make_provider: Any, settings: Any) -> Any:  # noqa: F811 - a fixture
    """The simulator as `sim`, with a node for each enrichment, switched on; rounds come at once."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_COOLDOWN_SECONDS": 0.05}
    made = make_provider("sim")
    for name in ENRICHMENTS:
        NodeConfiguration.objects.create(
            node_name=name,
            interaction_type="enricher",
            default_model="sim/gpt-4o-mini",
            apply_after="gates",  # translations of the simulator have no judge, and are all alike
        )
    LLMConfig.objects.filter(pk=1).update(retry_delay=0)
    snapshot.expire()
    return made


@pytest.fixture
def cascaded(provider: Any, simulator: Any) -> Any:  # noqa: F811 - a fixture
    """`description_cleaning` asks gpt-4o-mini first, and goes by how likely its tokens were."""
    for model in ("gpt-4o-mini", "gpt-4o"):
        ProviderModel.objects.update_or_create(
            provider=provider, model_id=model, defaults={"supports_logprobs": True}
        )
    NodeConfiguration.objects.filter(node_name="description_cleaning").update(
        default_model="sim/gpt-4o", cascade_model="sim/gpt-4o-mini", cascade_score="logprobs",
        cascade_target=0.9,
    )  # fmt: skip
    snapshot.expire()
    simulator.control(left_out=0, marked=False, errs=ERRS)
    return provider


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
                **{
                    "name": f"Dog {start + number}",
                    "description": f"Dog {start + number} likes to run and play ball.",
                    **fields,
                },
            )
            for number in range(count)
        )

    return make


@pytest.fixture(params=["openai", "anthropic"])
def vendor(request: Any, make_provider: Any, simulator: Any) -> Iterator[Any]:  # noqa: F811
    """A provider of each kind with batches; it answers for every enrichment."""
    made = make_provider("sim", request.param)
    for name in ENRICHMENTS:
        NodeConfiguration.objects.create(
            node_name=name, interaction_type="enricher", default_model="sim/gpt-4o-mini"
        )
    LLMConfig.objects.filter(pk=1).update(retry_delay=0)
    snapshot.expire()
    simulator.control(batch_ms=50)
    yield made
    # What is still in work there would be counted with the next test's answers.
    where = "batches" if request.param == "openai" else "messages/batches"
    for submission in ProviderBatchSubmission.objects.exclude(external_id=""):
        simulator.cancel_batch(f"/v1/{where}/{submission.external_id}/cancel")


@contextmanager
def served() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """uvicorn on a free port: its address and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "project.asgi:application", "--port", "0"],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "ENVIRONMENT": "development",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "LLM_CALLS_QUERY_MS": "60000",
        },
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while not (found := re.search(r"running on (http://\S+)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield found[1], process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[str]:
    """uvicorn on a free port."""
    with served() as (url, _):
        yield url
