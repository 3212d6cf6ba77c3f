"""AgentScope's models over each of the three wires."""

import json
import os

import anthropic
import openai
from agentscope.credential import AnthropicCredential, OpenAICredential
from agentscope.message import AssistantMsg, ToolResultBlock, UserMsg
from agentscope.model import AnthropicChatModel, OpenAIChatModel, OpenAIResponseModel
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
    KEY,
    MODEL,
    ROOT,
    URL,
    WEATHER,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

AT = os.environ["AT"]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "Tell the weather.", "parameters": WEATHER},
}


def model(key=KEY, **more):
    more = {"stream": False, "max_retries": 0, **more}
    if AT == "anthropic":
        return AnthropicChatModel(AnthropicCredential(api_key=key, base_url=ROOT), CLAUDE, **more)
    kind = OpenAIChatModel if AT == "chat" else OpenAIResponseModel
    return kind(OpenAICredential(api_key=key, base_url=URL), MODEL, **more)


def asked(text):
    return [UserMsg(name="user", content=text)]


def text_of(answer):
    return "".join(each.text for each in answer.content if each.type == "text")


@step("chat")
async def chat():
    expect(text_of(await model()(asked(ASK))), "text")


@step("usage")
async def usage():
    expect((await model()(asked(ASK))).usage.output_tokens, "tokens")


@step("stream")
async def stream():
    expect("".join([text_of(each) async for each in await model(stream=True)(asked(ASK))]), "text")


@step("tools")
async def tools():
    answer = await model()(asked(ASK_WEATHER), tools=[TOOL])
    call = expect([each for each in answer.content if each.type == "tool_call"], "tool call")[0]
    given = call.input if isinstance(call.input, dict) else json.loads(call.input)
    result = ToolResultBlock(id=call.id, name="weather", output=weather(**given))
    turn = AssistantMsg(name="dogs", content=[*answer.content, result])
    expect(text_of(await model()([*asked(ASK_WEATHER), turn], tools=[TOOL])), "text")
    used_tool()


@step("errors")
def errors():
    wrong = (openai.AuthenticationError, anthropic.AuthenticationError)
    raises(wrong, lambda: model("nw-wrong")(asked(ASK)))


main()
