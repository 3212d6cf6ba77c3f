"""Embeddings against the simulated provider over loopback HTTP."""

import asyncio

import pytest

from llmconfig import client
from llmconfig.client.errors import GenerationRefused
from llmconfig.client.pipeline.embeddings import MAX_INPUTS, EmbeddingCall
from llmconfig.client.wire import BadReply
from llmconfig.client.wire.openai import OpenAIWire
from llmconfig.models import InteractionType, ProviderModel

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "text-embedding-3-small"


@pytest.fixture
def records():
    return []


@pytest.fixture
def embed(records):
    """Embeds with a collected record."""

    def run(inputs, node="tag_rows", **fields):
        async def work():
            try:
                return await client.aembed(
                    EmbeddingCall(node, inputs, **fields),
                    collect=lambda record, _: records.append(record),
                )
            finally:
                await client.aclose()

        return asyncio.run(work())

    return run


@pytest.fixture
def node(make_provider, make_node):
    make_provider(model_id=MODEL)
    ProviderModel.objects.update(kind="embedding")
    return make_node(f"sim/{MODEL}")


def test_each_text_gets_its_vector_in_order(node, embed, records):
    both = embed(["a dog", "a cat"])
    assert len(both.vectors) == 2
    assert both.vectors[0] != both.vectors[1]
    assert embed(["a cat"]).vectors == [both.vectors[1]]
    record = records[0]
    assert both.records == (record,)
    assert record.model == MODEL
    assert record.usage.input > 0
    assert record.usage.output == 0
    assert record.cost_usd > 0
    assert record.prompt_length == len("a dog") + len("a cat")


def test_many_texts_go_in_several_requests_and_keep_their_order(node, embed, simulator, records):
    texts = [f"dog number {number}" for number in range(2 * MAX_INPUTS + 5)]
    vectors = embed(texts).vectors
    assert simulator.requests == len(records) == 3
    assert len(vectors) == len(texts)
    assert vectors[MAX_INPUTS + 3] == embed([texts[MAX_INPUTS + 3]]).vectors[0]


def test_long_texts_are_spread_over_requests(node, embed, simulator):
    assert len(embed(["x" * 30_000] * 20).vectors) == 20
    assert simulator.requests == 2


def test_all_vectors_come_from_the_model_that_served_the_first(
    make_provider, make_node, embed, simulator, records
):
    make_provider(model_id=MODEL)
    make_provider("backup", model_id="other-embedding")
    make_node(f"sim/{MODEL}", "backup/other-embedding")
    simulator.plan({"model": MODEL, "first": 3, "action": {"status": 503}})
    embed([f"dog {number}" for number in range(2 * MAX_INPUTS)])
    assert {record.model for record in records} == {"other-embedding"}


def test_nothing_to_embed_asks_nobody(node, embed, simulator):
    assert embed([]).vectors == []
    assert simulator.requests == 0


def test_the_interaction_type_embeddings_serves_too(make_provider, embed, settings):
    make_provider(model_id=MODEL)
    ProviderModel.objects.update(kind="embedding")
    assert embed(["a dog"], node=f"sim/{MODEL}").vectors
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_DEFAULT_MODEL": f"sim/{MODEL}"}
    made = client.get_embeddings_model()
    assert made.node == InteractionType.EMBEDDINGS
    assert made.embed(["a dog"]).vectors


def test_a_provider_without_embeddings_is_left_for_the_next(make_provider, make_node, embed):
    make_provider("a", "anthropic", model_id="claude-haiku-4-5")
    make_provider(model_id=MODEL)
    make_node("a/claude-haiku-4-5", f"sim/{MODEL}")
    [record] = embed(["a dog"]).records
    assert [each.outcome for each in record.attempts] == ["unsupported", "ok"]


def test_only_a_provider_without_embeddings_is_an_error(make_provider, make_node, embed):
    make_provider("a", "anthropic", model_id="claude-haiku-4-5")
    make_node("a/claude-haiku-4-5")
    with pytest.raises(GenerationRefused, match="has no embeddings"):
        embed(["a dog"])


@pytest.mark.parametrize(
    "action", [{"status": 503}, {"garbage": "truncated_body"}, {"garbage": "wrong_types"}]
)
def test_a_failed_request_is_tried_again(node, embed, simulator, records, action):
    simulator.fail_first(1, **action)
    assert len(embed(["a dog"]).vectors) == 1
    assert [each.moved_on for each in records[0].attempts] == ["retry", ""]


def test_dimensions_go_along(node, embed):
    assert len(embed(["a dog"], extra={"dimensions": 16}).vectors[0]) == 16


@pytest.mark.parametrize(
    ("told", "vector"),
    [
        ([1, 0.5], [1.0, 0.5]),
        ("AACAPwAAAD8=", [1.0, 0.5]),
        ("AACAPwAAAD", None),  # no base64
        ("AACAPwAA", None),  # one number and a half
        ("AADAfw==", None),  # not a number
        ("", None),
    ],
)
def test_a_vector_comes_as_numbers_or_in_base64(told, vector):
    reply = {"data": [{"index": 0, "embedding": told}], "usage": {"total_tokens": 5}}
    if vector is None:
        with pytest.raises(BadReply, match="no list of numbers"):
            OpenAIWire().read_embeddings(reply, 1)
        return
    read = OpenAIWire().read_embeddings(reply, 1)
    assert read.vectors == (vector,)
    assert read.usage.input == 5  # as Voyage counts them
