"""mem0's models and embedder, as its memory asks them."""

import openai
from mem0.configs.embeddings.base import BaseEmbedderConfig
from mem0.configs.llms.openai import OpenAIConfig
from mem0.embeddings.openai import OpenAIEmbedding
from mem0.llms.openai import OpenAILLM
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    SCHEMA,
    URL,
    WEATHER,
    expect,
    main,
    raises,
    step,
)


def model(key=KEY):
    return OpenAILLM(OpenAIConfig(model=MODEL, api_key=key, openai_base_url=URL))


def asked(prompt):
    return [{"role": "user", "content": prompt}]


@step("chat")
def chat():
    expect(model().generate_response(asked(ASK)), "text")


@step("tools")
def tools():
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    made = model().generate_response(asked(ASK_WEATHER), tools=[tool])
    expect(made["tool_calls"][0]["arguments"]["city"], "call of the tool")


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    expect("name" in model().generate_response(asked(ASK), response_format=form), "object")


@step("embeddings")
def embeddings():
    config = BaseEmbedderConfig(model=EMBEDDER, api_key=KEY, openai_base_url=URL)
    expect(OpenAIEmbedding(config).embed("a dog", "add"), "vector")


@step("errors")
def errors():
    raises(openai.AuthenticationError, lambda: model("nw-wrong").generate_response(asked(ASK)))


main()
