"""LangChain's create_agent, which runs on LangGraph."""

import pydantic
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, step, used_tool, weather

model = ChatOpenAI(model=MODEL, base_url=URL, api_key=KEY, max_retries=0)


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def asked(text):
    return {"messages": [{"role": "user", "content": text}]}


@step("chat")
def chat():
    expect(create_agent(model).invoke(asked(ASK))["messages"][-1].content, "text")


@step("stream")
def stream():
    pieces = create_agent(model).stream(asked(ASK), stream_mode="messages")
    expect([piece for piece, _ in pieces if piece.content], "pieces")


@step("tools")
def tools():
    made = create_agent(model, tools=[weather]).invoke(asked(ASK_WEATHER))
    expect(made["messages"][-1].content, "text")
    used_tool()


@step("structured")
def structured():
    expect(
        create_agent(model, response_format=Dog).invoke(asked(ASK))["structured_response"], "object"
    )


@step("usage")
def usage():
    expect(create_agent(model).invoke(asked(ASK))["messages"][-1].usage_metadata, "usage")


main()
