"""Haystack."""

import openai
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    SCHEMA,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

given = {"api_base_url": URL, "max_retries": 0}
key = Secret.from_token(KEY)
model = OpenAIChatGenerator(api_key=key, model=MODEL, **given)
asked = [ChatMessage.from_user(ASK)]


@step("chat")
def chat():
    expect(model.run(asked)["replies"][0].text, "text")
    responses = OpenAIResponsesChatGenerator(api_key=key, model=MODEL, **given)
    expect(responses.run(asked)["replies"][0].text, "text by responses")


@step("usage")
def usage():
    expect(model.run(asked)["replies"][0].meta["usage"]["total_tokens"], "tokens")


@step("stream")
def stream():
    pieces = []
    OpenAIChatGenerator(api_key=key, model=MODEL, streaming_callback=pieces.append, **given).run(
        asked
    )
    expect(pieces, "pieces")


@step("tools")
def tools():
    agent = Agent(chat_generator=model, tools=[create_tool_from_function(weather)])
    expect(agent.run([ChatMessage.from_user(ASK_WEATHER)])["last_message"].text, "text")
    used_tool()


@step("structured")
def structured():
    form = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA, "strict": True}}
    expect(
        "name" in model.run(asked, generation_kwargs={"response_format": form})["replies"][0].text,
        "JSON",
    )


@step("embeddings")
def embeddings():
    made = OpenAITextEmbedder(api_key=key, model=EMBEDDER, **given)
    expect(made.run("a dog")["embedding"], "vector")


@step("errors")
def errors():
    wrong = OpenAIChatGenerator(api_key=Secret.from_token("nw-wrong"), model=MODEL, **given)
    raises(openai.AuthenticationError, lambda: wrong.run(asked))


main()
