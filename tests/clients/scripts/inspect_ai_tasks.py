"""inspect-ai, as evaluations ask: chats, responses, messages, tools in a loop, schemas."""

import json
import os
import typing

from inspect_ai.model import (
    ChatMessageUser,
    GenerateConfig,
    ResponseSchema,
    execute_tools,
    get_model,
)
from inspect_ai.tool import tool
from inspect_ai.util import JSONSchema
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
    KEY,
    MODEL,
    ROOT,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
)
from steps import weather as told_weather

AT = os.environ.get("AT", "openai")


def model(key: str = KEY) -> typing.Any:
    """The model under the vendor's words that are tried."""
    config = GenerateConfig(max_retries=0, max_tokens=200)
    if AT == "anthropic":
        return get_model(f"anthropic/{CLAUDE}", base_url=ROOT, api_key=key, config=config)
    told = {"responses_api": AT == "responses"}
    name = f"openai/{MODEL}" if AT == "responses" else f"openai-api/nodewise/{MODEL}"
    return get_model(name, base_url=URL, api_key=key, config=config, **told)


@tool
def weather():
    """The weather."""

    async def execute(city: str) -> str:
        """Tell the weather of a city.

        Args:
            city: The city's name.
        """
        return told_weather(city)

    return execute


@step("chat")
async def chat():
    expect((await model().generate(ASK)).completion, "text")


@step("usage")
async def usage():
    made = await model().generate(ASK)
    expect(made.usage.input_tokens and made.usage.output_tokens, "tokens")


@step("tools")
async def tools():
    messages = [ChatMessageUser(content=ASK_WEATHER)]
    first = await model().generate(messages, tools=[weather()])
    messages.append(first.message)
    done = await execute_tools(messages, [weather()])
    second = await model().generate([*messages, *done.messages], tools=[weather()])
    expect(second.completion, "text")
    used_tool()


@step("structured")
async def structured():
    kinds = {"name": JSONSchema(type="string"), "age": JSONSchema(type="integer")}
    schema = JSONSchema(type="object", properties=kinds, required=["name", "age"])
    config = GenerateConfig(response_schema=ResponseSchema(name="dog", json_schema=schema))
    made = await model().generate(ASK, config=config)
    expect(json.loads(made.completion)["name"], "object")


@step("errors")
def errors():
    raises(Exception, lambda: model("nw-wrong").generate(ASK))


main()
