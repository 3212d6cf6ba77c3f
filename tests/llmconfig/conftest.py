"""A real provider on loopback, and the rows that point at it."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone

from llmconfig.client.http import background_loop
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.models import (
    InteractionType,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
)
from llmconfig.secrets import Secret

CANARY = "sk-canary-4f1d9c7ab2e85360Zq/w+x"
JSON = {"Content-Type": "application/json"}
FAST = {"LLM_RETRY_BASE_DELAY": 0.01, "LLM_RETRY_MAX_DELAY": 0.5}


@dataclass(frozen=True)
class Simulator:
    """The simulated provider as a process of its own; see docs/simulator.md."""

    url: str
    controls: dict[str, Any]

    def plan(self, *rules: dict[str, Any], **faults: Any) -> None:
        self._post("/_plan", {"rules": list(rules), **faults})

    def fail(self, **action: Any) -> None:
        """Every call ends like this."""
        self.plan({"action": action})

    def fail_first(self, times: int, **action: Any) -> None:
        self.plan({"action": action, "times": times})

    def control(self, **controls: Any) -> None:
        self._post("/_control", controls)

    def stats(self) -> dict[str, Any]:
        with urlopen(f"{self.url}/_stats?keys=1", timeout=60) as reply:  # noqa: S310 - loopback
            return dict(json.load(reply))

    @property
    def requests(self) -> int:
        return int(self.stats()["requests"])

    def cancel_batch(self, path: str) -> None:
        """End a batch if it is still in work."""
        self.plan()
        with suppress(HTTPError):
            self._post(path, {})

    def reset(self) -> None:
        """No plan, nothing counted, and the controls as they are at the start.

        Before each test, so it goes the short way: both over one connection.
        """
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=60)) as connection:
            for path, body in (("/_control", self.controls), ("/_reset", {})):
                connection.request("POST", path, json.dumps(body), JSON)
                reply = connection.getresponse()
                assert reply.status == 200, reply.read()
                reply.read()

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = Request(self.url + path, json.dumps(body).encode(), JSON)  # noqa: S310 - loopback
        with urlopen(request, timeout=60):  # noqa: S310
            pass


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[Simulator]:
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip().rpartition(" ")[2]
        with urlopen(f"{url}/_control", timeout=60) as reply:  # noqa: S310 - loopback
            controls = json.load(reply)
        yield Simulator(url, controls)
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    simulator_process.reset()
    return simulator_process


@pytest.fixture(scope="session", autouse=True)
def connections_of_the_background_loop(django_db_setup: None) -> Iterator[None]:
    """Closed at the end, or the test database could not be dropped."""
    yield
    background_loop.run(sync_to_async(connections.close_all)())


MakeProvider = Callable[..., Provider]


@pytest.fixture
def fast(settings: Any) -> None:
    """Repeated requests come at once."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, **FAST}


@pytest.fixture
def make_provider(simulator: Simulator, settings: Any, fast: None) -> MakeProvider:
    """Make a provider at the simulator with one model; the first one serves every node."""
    settings.LLM_EGRESS_ALLOW = ["127.0.0.1"]

    def make(
        name: str = "sim",
        provider_type: str = "openai",
        *,
        model_id: str = "gpt-4o-mini",
        key: str | None = CANARY,
        price: tuple[str | None, str | None] | None = ("1", "10"),
        schema: bool = True,
        temperature: bool = True,
        **fields: Any,
    ) -> Provider:
        path = {"anthropic": "", "azure_openai": ""}.get(provider_type, "/v1")
        fields = {"api_base_url": simulator.url + path, "timeout_seconds": 30, **fields}
        provider = Provider(name=name, provider_type=provider_type, **fields)
        if key and not provider.secret_ref:
            provider.set_key(Secret(key))
        provider.save()
        model = ProviderModel.objects.create(
            provider=provider,
            model_id=model_id,
            supports_json_schema=schema,
            supports_temperature=temperature,
        )
        if price is not None:
            rates = [None if each is None else Decimal(each) for each in price]
            ModelPrice.objects.create(
                model=model,
                valid_from=timezone.now() - dt.timedelta(days=1),
                input_per_1m=rates[0],
                output_per_1m=rates[1],
            )
        LLMConfig.objects.get_or_create(pk=1, defaults={"provider": provider, "enabled": True})
        snapshot.expire()
        return provider

    return make


@pytest.fixture
def make_node() -> Callable[..., NodeConfiguration]:
    """Make a node that names its model and fallbacks."""

    def make(model: str, *fallbacks: str, name: str = "tag_rows", **fields: Any) -> Any:
        node = NodeConfiguration.objects.create(
            node_name=name,
            interaction_type=InteractionType.REASONING,
            default_model=model,
            fallbacks=list(fallbacks),
            **fields,
        )
        snapshot.expire()
        return node

    return make


@pytest.fixture
def ask() -> Callable[..., Call]:
    """A call of one user message."""

    def make(text: str = "Name one dog.", node: str = "tag_rows", **fields: Any) -> Call:
        return Call(node=node, messages=[{"role": "user", "content": text}], **fields)

    return make


class Callers:
    """Forked processes that call on the test's database; see tests/llmconfig/callers.py."""

    def __init__(self, order: dict[str, Any], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.llmconfig.callers", json.dumps(order)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.children: list[int] = []

    def await_children(self) -> list[int]:
        """Their process ids, once they have been started."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith('{"children"'):
                self.children = json.loads(line)["children"]
                return self.children
        raise AssertionError("No children were started.")

    def results(self, seconds: float = 240) -> list[dict[str, Any]]:
        """What each of them has to tell in the end."""
        told, errors = self.process.communicate(timeout=seconds)
        lines = [json.loads(line) for line in told.splitlines()]
        assert lines, errors
        return lines

    def kill(self) -> None:
        """End all of them, also those whose ids nobody asked for: they would call on."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def callers() -> Iterator[Callable[..., Callers]]:
    """Start processes that call; they are gone when the test is over."""
    started: list[Callers] = []

    def start(variables: dict[str, str] | None = None, **order: Any) -> Callers:
        database = connections["default"].settings_dict
        address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
        environment = {
            **os.environ,
            "DATABASE_URL": address,
            "LLM_EGRESS_ALLOW": "127.0.0.1",
            **(variables or {}),
        }
        started.append(Callers(order, environment))
        return started[-1]

    yield start
    for each in started:
        each.kill()
