"""LangChain's ChatOpenAI."""

import openai
import pydantic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

given = {"base_url": URL, "api_key": KEY, "max_retries": 0}
model = ChatOpenAI(model=MODEL, **given)


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(model.invoke(ASK).content, "text")


@step("usage")
def usage():
    expect(model.invoke(ASK).usage_metadata["total_tokens"], "tokens")
    whole = None
    for piece in model.stream(ASK):
        whole = piece if whole is None else whole + piece
    expect(whole.usage_metadata, "usage of a stream")


@step("stream")
def stream():
    expect("".join(piece.content for piece in model.stream(ASK)), "text")


@step("tools")
def tools():
    from langchain_core.messages import HumanMessage

    bound = model.bind_tools([tool(weather)])
    messages = [HumanMessage(ASK_WEATHER)]
    messages.append(bound.invoke(messages))
    messages.append(tool(weather).invoke(expect(messages[1].tool_calls, "tool call")[0]))
    expect(bound.invoke(messages).content, "text")
    used_tool()


@step("structured")
def structured():
    for method in ("json_schema", "function_calling"):
        expect(model.with_structured_output(Dog, method=method).invoke(ASK), method)


@step("embeddings")
def embeddings():
    made = OpenAIEmbeddings(model=EMBEDDER, check_embedding_ctx_length=False, **given)
    expect(made.embed_documents(["a dog", "a cat"])[1], "vectors")


@step("errors")
def errors():
    wrong = ChatOpenAI(model=MODEL, base_url=URL, api_key="nw-wrong", max_retries=0)
    raises(openai.AuthenticationError, lambda: wrong.invoke(ASK))


main()
