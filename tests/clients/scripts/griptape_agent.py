"""Griptape."""

import openai
from griptape.drivers.embedding.openai import OpenAiEmbeddingDriver
from griptape.drivers.prompt.openai import OpenAiChatPromptDriver
from griptape.structures import Agent
from steps import ASK, EMBEDDER, KEY, MODEL, URL, expect, main, step


def driver(**more):
    return OpenAiChatPromptDriver(model=MODEL, base_url=URL, api_key=KEY, max_attempts=1, **more)


@step("chat")
def chat():
    expect(Agent(prompt_driver=driver()).run(ASK).output.value, "text")


@step("stream")
def stream():
    from griptape.utils import Stream

    expect(
        [each.value for each in Stream(Agent(prompt_driver=driver(stream=True))).run(ASK)], "pieces"
    )


@step("embeddings")
def embeddings():
    made = OpenAiEmbeddingDriver(model=EMBEDDER, base_url=URL, api_key=KEY, tokenizer=None)
    expect(openai and made.embed("a dog"), "vector")


main()
