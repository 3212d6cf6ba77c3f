"""A kind of provider is one record: registered by anybody, it works everywhere."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from llmconfig import client, provider_types
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.configuration.provider_rules import check_base_url
from llmconfig.diagnostics.discovery import discover_models
from llmconfig.errors import ChangeRefused, UnknownProviderType
from llmconfig.models import Provider, ProviderModel
from llmconfig.provider_types.contract import ProviderType
from tests.llmconfig.conftest import CANARY, MakeProvider

HARBOUR = ProviderType(
    name="harbour",
    label="Harbour",
    wire="openai",
    private_network=True,
    key_header="X-Harbour-Key",
    key_prefix="Token ",
    default_api_version="7",
    chat_path="/v{version}/talk/{model}",
    models_path="/v{version}/boats",
    output_limit="longest",
    lists_capable_models=True,
)


@pytest.fixture
def harbour() -> Iterator[ProviderType]:
    provider_types.register(HARBOUR)
    yield HARBOUR
    provider_types.unregister(HARBOUR.name)


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, dict[str, str], Any]]]]:
    """A server with its own paths, header and word for the limit of an answer."""
    seen: list[tuple[str, dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self._answer({"data": [{"id": "tug"}]})

        def do_POST(self) -> None:
            self._answer(
                {
                    "choices": [
                        {
                            "finish_reason": "stop",
                            "message": {"role": "assistant", "content": "Ahoy"},
                        }
                    ],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
                }
            )

        def _answer(self, value: object) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.path, dict(self.headers), json.loads(raw) if raw else None))
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}", seen
    listening.shutdown()
    listening.server_close()


@pytest.mark.django_db(transaction=True)
def test_a_registered_type_is_called_listed_and_offered_in_the_admin(
    harbour, server, make_provider: MakeProvider, admin_client
) -> None:
    address, seen = server
    provider = make_provider(
        "quay", harbour.name, api_base_url=address, model_id="ferry", key=CANARY
    )
    discover_models(provider, source="shell")
    assert seen[-1][0] == "/v7/boats"
    assert ProviderModel.objects.get(model_id="tug").supports_tools
    snapshot.expire()
    answer = client.generate(
        Call(
            node="quay/ferry",
            messages=[{"role": "user", "content": "Who is there?"}],
            given={"max_tokens": 9},
        )
    )
    path, headers, body = seen[-1]
    assert (answer.text, path) == ("Ahoy", "/v7/talk/ferry")
    assert headers["X-Harbour-Key"] == f"Token {CANARY}"
    assert body["longest"] == 9
    page = admin_client.get("/admin/llmconfig/provider/add/").content.decode()
    assert '<option value="harbour">Harbour</option>' in page


def test_a_type_without_an_address_of_its_own_asks_for_one(harbour) -> None:
    with pytest.raises(ChangeRefused, match="Harbour has no address of its own"):
        check_base_url(harbour.name, "")


def test_a_taken_or_overlong_name_is_refused(harbour) -> None:
    for name in ("openai", "x" * 21, ""):
        with pytest.raises(ValueError, match="taken already, or its name"):
            provider_types.register(ProviderType(name=name, label="Other", wire="openai"))


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_type_is_gone_harms_no_other_provider(
    make_provider: MakeProvider, admin_client
) -> None:
    provider = make_provider("old")
    make_provider("good")
    Provider.objects.filter(pk=provider.pk).update(provider_type="vanished")
    snapshot.expire()
    found = snapshot.current().providers
    assert {name for name, facts in found.items() if facts.is_enabled} == {"good"}
    assert admin_client.get("/admin/llmconfig/provider/").status_code == 200
    assert admin_client.get(f"/admin/llmconfig/provider/{provider.pk}/change/").status_code == 200
    with pytest.raises(UnknownProviderType, match="there are openai"):
        provider_types.get("vanished")
