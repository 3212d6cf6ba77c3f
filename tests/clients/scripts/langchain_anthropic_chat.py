"""LangChain's ChatAnthropic."""

import anthropic
import pydantic
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
    KEY,
    ROOT,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

model = ChatAnthropic(model=CLAUDE, base_url=ROOT, api_key=KEY, max_retries=0, max_tokens=200)


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


@step("stream")
def stream():
    expect([piece for piece in model.stream(ASK) if piece.content], "pieces")


@step("tools")
def tools():
    bound = model.bind_tools([tool(weather)])
    messages = [HumanMessage(ASK_WEATHER)]
    messages.append(bound.invoke(messages))
    messages.append(tool(weather).invoke(expect(messages[1].tool_calls, "tool call")[0]))
    expect(bound.invoke(messages).content, "text")
    used_tool()


@step("structured")
def structured():
    expect(model.with_structured_output(Dog).invoke(ASK), "object")


@step("errors")
def errors():
    wrong = ChatAnthropic(model=CLAUDE, base_url=ROOT, api_key="nw-wrong", max_retries=0)
    raises(anthropic.AuthenticationError, lambda: wrong.invoke(ASK))


main()
