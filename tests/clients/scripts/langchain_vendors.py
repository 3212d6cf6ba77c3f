"""LangChain's packages for vendors whose API is OpenAI's or Ollama's: AT names the package."""

import os

from langchain_core.messages import HumanMessage, ToolMessage
from pydantic import BaseModel
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    ROOT,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def ollama(key):
    return {"base_url": ROOT, "client_kwargs": {"headers": {"Authorization": f"Bearer {key}"}}}


if os.environ["AT"] == "openrouter":
    from langchain_openrouter import ChatOpenRouter
    from openrouter.errors import OpenRouterError as WrongKey

    def model(key=KEY):
        return ChatOpenRouter(model=MODEL, api_key=key, base_url=URL, max_retries=0)
elif os.environ["AT"] == "deepseek":
    from langchain_deepseek import ChatDeepSeek
    from openai import AuthenticationError as WrongKey

    def model(key=KEY):
        return ChatDeepSeek(model=MODEL, api_key=key, api_base=URL, max_retries=0)
else:
    from langchain_ollama import ChatOllama, OllamaEmbeddings
    from ollama import ResponseError as WrongKey

    def model(key=KEY):
        return ChatOllama(model=MODEL, **ollama(key))

    @step("embeddings")
    def embeddings():
        found = OllamaEmbeddings(model=EMBEDDER, **ollama(KEY)).embed_documents(["a dog", "a cat"])
        expect(len(found) == 2 and found[1], "vectors")


@step("chat")
def chat():
    expect(model().invoke(ASK).text, "text")


@step("usage")
def usage():
    expect(model().invoke(ASK).usage_metadata["total_tokens"], "tokens")


@step("stream")
def stream():
    expect("".join(piece.text for piece in model().stream(ASK)), "text")


@step("tools")
def tools():
    bound = model().bind_tools([weather])
    said = bound.invoke(ASK_WEATHER)
    call = expect(said.tool_calls, "tool call")[0]
    result = ToolMessage(weather(**call["args"]), tool_call_id=call["id"])
    expect(bound.invoke([HumanMessage(ASK_WEATHER), said, result]).text, "text")
    used_tool()


@step("structured")
def structured():
    expect(model().with_structured_output(Dog, method="json_schema").invoke(ASK).name, "object")


@step("errors")
def errors():
    raises(WrongKey, lambda: model("nw-wrong").invoke(ASK))


main()
