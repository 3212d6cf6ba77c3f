"""Pydantic AI's AnthropicModel."""

import pydantic
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider
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

model = AnthropicModel(CLAUDE, provider=AnthropicProvider(base_url=ROOT, api_key=KEY))


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(Agent(model).run_sync(ASK).output, "text")


@step("usage")
def usage():
    used = Agent(model).run_sync(ASK).usage
    expect((used() if callable(used) else used).output_tokens, "tokens")


@step("stream")
async def stream():
    async with Agent(model).run_stream(ASK) as running:
        expect([piece async for piece in running.stream_text()], "pieces")


@step("tools")
def tools():
    expect(Agent(model, tools=[weather]).run_sync(ASK_WEATHER).output, "text")
    used_tool()


@step("structured")
def structured():
    expect(Agent(model, output_type=Dog).run_sync(ASK).output, "object")


@step("errors")
def errors():
    wrong = AnthropicModel(CLAUDE, provider=AnthropicProvider(base_url=ROOT, api_key="nw-wrong"))
    raises(ModelHTTPError, lambda: Agent(wrong).run_sync(ASK))


main()
