"""graphiti's models and embedder, as its graph asks them."""

import os

import anthropic
import openai
from graphiti_core.embedder import OpenAIEmbedder
from graphiti_core.embedder.openai import OpenAIEmbedderConfig
from graphiti_core.llm_client import LLMConfig, OpenAIClient
from graphiti_core.llm_client.anthropic_client import AnthropicClient
from graphiti_core.llm_client.openai_generic_client import OpenAIGenericClient
from graphiti_core.prompts.models import Message
from pydantic import BaseModel
from steps import CLAUDE, EMBEDDER, KEY, MODEL, ROOT, URL, expect, main, raises, step

AT = os.environ["AT"]


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def client(key=KEY):
    config = LLMConfig(api_key=key, model=MODEL, small_model=MODEL, base_url=URL)
    if AT == "chat":
        return OpenAIGenericClient(config)
    if AT == "responses":
        return OpenAIClient(config)
    made = anthropic.AsyncAnthropic(api_key=key, base_url=ROOT, max_retries=1)
    return AnthropicClient(LLMConfig(api_key=key, model=CLAUDE), client=made)


def asked():
    return [
        Message(role="system", content="Answer in JSON."),
        Message(role="user", content="Make up a dog."),
    ]


@step("chat")
async def chat():
    expect(isinstance(await client().generate_response(asked()), dict), "object of any form")


@step("structured")
async def structured():
    expect("name" in await client().generate_response(asked(), response_model=Dog), "object")


if AT != "chat":

    @step("usage")
    async def usage():
        model = client()
        await model.generate_response(asked(), response_model=Dog, prompt_name="dog")
        expect(model.token_tracker.get_total_usage().output_tokens, "tokens")


if AT != "anthropic":

    @step("embeddings")
    async def embeddings():
        config = OpenAIEmbedderConfig(embedding_model=EMBEDDER, api_key=KEY, base_url=URL)
        expect(await OpenAIEmbedder(config).create("a dog"), "vector")


@step("errors")
def errors():
    kinds = (openai.AuthenticationError, anthropic.AuthenticationError)
    raises(kinds, lambda: client("nw-wrong").generate_response(asked(), response_model=Dog))


main()
