"""What providers list, read without paying, and never trusted."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from llmconfig.diagnostics.discovery import check_provider, discover_models
from llmconfig.models import Provider, ProviderModel, Revision
from tests.llmconfig.conftest import CANARY, MakeProvider, Simulator

pytestmark = pytest.mark.django_db

LISTED = [
    {"id": "big", "context_window": 200_000, "max_output_tokens": 8_000},
    {"id": "old", "context_window": 8_000, "max_output_tokens": 1_000, "retired": True},
    {"id": "text-embedding-9", "context_window": 8_000},
]


def rows(provider: Provider) -> dict[str, ProviderModel]:
    return {row.model_id: row for row in ProviderModel.objects.filter(provider=provider)}


@pytest.mark.parametrize("version", ["", "2023-06-01"])
def test_anthropics_list_is_read_over_all_its_pages(
    version: str, make_provider: MakeProvider, simulator: Simulator
) -> None:
    many = [{"id": f"model-{number}"} for number in range(1500)]
    simulator.control(models=[*LISTED, *many])
    provider = make_provider("claude", "anthropic", api_version=version, model_id="model-0")
    found = discover_models(provider, source="shell")
    assert len(found.added) == 1501  # the retired one is left out, model-0 was there
    assert rows(provider)["big"].context_window == 200_000
    assert rows(provider)["big"].max_output_tokens == 8_000
    assert simulator.stats()["paid"] == 0


def test_openrouters_list_tells_windows(make_provider: MakeProvider, simulator: Simulator) -> None:
    simulator.control(models=LISTED[:1])
    provider = make_provider(
        "router", "openrouter", api_base_url=f"{simulator.url}/api/v1", model_id="gone"
    )
    found = discover_models(provider, source="shell")
    assert (found.added, found.missing) == (("big",), ("gone",))
    assert rows(provider)["big"].context_window == 200_000
    assert rows(provider)["big"].max_output_tokens == 8_000


def test_embeddings_are_told_from_chat(make_provider: MakeProvider, simulator: Simulator) -> None:
    simulator.control(models=LISTED)
    provider = make_provider("sim")
    discover_models(provider, source="shell")
    assert rows(provider)["text-embedding-9"].kind == "embedding"
    assert rows(provider)["big"].kind == "chat"


def test_what_a_person_entered_stays_and_a_second_time_changes_nothing(
    make_provider: MakeProvider, simulator: Simulator
) -> None:
    simulator.control(models=LISTED[:1])
    provider = make_provider("sim", model_id="big")
    ProviderModel.objects.filter(model_id="big").update(context_window=5, tier="mine")
    discover_models(provider, source="shell")
    row = rows(provider)["big"]
    assert (row.context_window, row.tier) == (5, "mine")
    before = Revision.objects.count()
    again = discover_models(provider, source="shell")
    assert (again.added, again.updated) == ((), ())
    assert Revision.objects.count() == before


def test_a_test_stores_what_it_found_and_never_the_key(
    make_provider: MakeProvider, simulator: Simulator
) -> None:
    provider = make_provider("sim")
    simulator.plan({"path": "/v1/models", "action": {"echo_key": True}})
    found = check_provider(provider)
    provider.refresh_from_db()
    assert (found.ok, provider.validated_at) == (False, None)
    assert "401" in provider.validation_error
    assert not any(CANARY[at : at + 8] in provider.validation_error for at in range(len(CANARY)))
    simulator.plan()
    assert check_provider(provider).ok
    provider.refresh_from_db()
    assert provider.validated_at is not None
    assert provider.validation_error == ""


def test_a_hosted_type_at_a_private_address_is_not_asked(
    make_provider: MakeProvider, simulator: Simulator, settings: Any
) -> None:
    # A name of its own, as open connections to another are not asked about again.
    address = simulator.url.replace("127.0.0.1", "localhost") + "/v1"
    provider = make_provider("sim", api_base_url=address)
    settings.LLM_EGRESS_ALLOW = []
    found = check_provider(provider)
    assert not found.ok
    assert "LLM_EGRESS_ALLOW" in found.detail
    assert simulator.requests == 0


def test_a_provider_without_its_key_says_so(make_provider: MakeProvider) -> None:
    provider = make_provider("sim", secret_ref="env:NOT_SET_ANYWHERE")
    assert "NOT_SET_ANYWHERE" in check_provider(provider).detail


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers every path with what is given for it; returns its address."""
    started: list[HTTPServer] = []

    def start(replies: dict[str, Any]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply = replies.get(self.path)
                body = reply if isinstance(reply, bytes) else json.dumps(reply or {}).encode()
                self.send_response(404 if reply is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """Nothing on stderr."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def test_azure_is_tested_by_its_models_and_lists_deployments(
    make_provider: MakeProvider, serve: Serve
) -> None:
    version = "2023-03-15-preview"
    url = serve(
        {
            "/openai/models?api-version=2024-10-21": {"data": [{"id": "gpt-4o"}, {"id": "o9"}]},
            f"/openai/deployments?api-version={version}": {
                "data": [{"id": "our-chat", "model": "gpt-4o", "status": "succeeded"}]
            },
        }
    )
    provider = make_provider("azure", "azure_openai", api_base_url=url, model_id="first")
    assert check_provider(provider).models_seen == 2
    assert discover_models(provider, source="shell").added == ("our-chat",)


@pytest.mark.parametrize(
    "reply",
    [b"", b"[]", b"<html>", b'{"data": 7}', b'{"models": []}', b"\xff", b"[" * 100_000],
    ids=["empty", "list", "html", "number", "other", "no text", "deep"],
)
def test_what_is_no_list_of_models_fails_in_one_line(
    reply: bytes, make_provider: MakeProvider, serve: Serve
) -> None:
    provider = make_provider("odd", "custom", api_base_url=serve({"/models": reply}))
    found = check_provider(provider)
    assert not found.ok
    assert "\n" not in found.detail
    assert found.detail


@pytest.mark.parametrize(
    ("listed", "props", "window"),
    [
        ({"n_ctx": 4096, "n_ctx_train": 32768}, {}, 4096),
        ({"n_ctx_train": 32768}, {"default_generation_settings": {"n_ctx": 8192}}, 8192),
        ({"n_ctx_train": 32768}, {"default_generation_settings": {"n_ctx": -1}}, None),
        ({"n_ctx_train": 32768}, None, None),
    ],
)
def test_a_llama_cpp_servers_true_window_is_read(
    listed: dict[str, int],
    props: dict[str, Any] | None,
    window: int | None,
    make_provider: MakeProvider,
    serve: Serve,
) -> None:
    pages: dict[str, Any] = {"/v1/models": {"data": [{"id": "qwen.gguf", "meta": listed}]}}
    if props is not None:
        pages["/props"] = props
    url = serve(pages)
    provider = make_provider("own", "local", api_base_url=f"{url}/v1", model_id="first")
    discover_models(provider, source="shell")
    assert rows(provider)["qwen.gguf"].context_window == window


def test_other_servers_words_for_the_window_are_read(
    make_provider: MakeProvider, serve: Serve
) -> None:
    entries = [
        {"id": "mistral", "max_context_length": 131072},
        {"id": "studio", "max_context_length": 32768, "loaded_context_length": 4096},
        {"id": "vllm", "max_model_len": 16384},
    ]
    url = serve({"/models": {"data": entries}})
    provider = make_provider("own", "custom", api_base_url=url, model_id="first")
    discover_models(provider, source="shell")
    found = {name: row.context_window for name, row in rows(provider).items() if name != "first"}
    assert found == {"mistral": 131072, "studio": 4096, "vllm": 16384}


def test_entries_that_no_model_could_be_are_left_out(
    make_provider: MakeProvider, serve: Serve
) -> None:
    entries: list[Any] = [
        7, {}, {"id": None}, {"id": ""}, {"id": "x" * 201}, {"id": "a\nb"}, {"id": f"m-{CANARY}"},
        {"id": "good", "context_window": True, "max_model_len": 4096}, {"id": "good"},
        {"id": "wild", "context_window": 10**12},
    ]  # fmt: skip
    url = serve({"/models": {"data": entries}})
    provider = make_provider("odd", "custom", api_base_url=url, model_id="first")
    assert discover_models(provider, source="shell").added == ("good", "wild")
    assert rows(provider)["good"].context_window == 4096
    assert rows(provider)["wild"].context_window is None
