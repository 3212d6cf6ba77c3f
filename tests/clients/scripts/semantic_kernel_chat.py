"""Semantic Kernel."""

import openai
import pydantic
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def service(key=KEY):
    client = openai.AsyncOpenAI(base_url=URL, api_key=key, max_retries=0)
    return OpenAIChatCompletion(ai_model_id=MODEL, async_client=client)


def history(text=ASK):
    made = ChatHistory()
    made.add_user_message(text)
    return made


@step("chat")
async def chat():
    made = await service().get_chat_message_content(history(), OpenAIChatPromptExecutionSettings())
    expect(str(made), "text")


@step("usage")
async def usage():
    made = await service().get_chat_message_content(history(), OpenAIChatPromptExecutionSettings())
    expect(made.metadata["usage"].completion_tokens, "tokens")


@step("stream")
async def stream():
    pieces = service().get_streaming_chat_message_content(
        history(), OpenAIChatPromptExecutionSettings()
    )
    expect([each async for each in pieces], "pieces")


@step("tools")
async def tools():
    kernel = Kernel()
    kernel.add_function("p", kernel_function(weather, name="weather"))
    settings = OpenAIChatPromptExecutionSettings(
        function_choice_behavior=FunctionChoiceBehavior.Auto()
    )
    made = await service().get_chat_message_content(history(ASK_WEATHER), settings, kernel=kernel)
    expect(str(made), "text")
    used_tool()


@step("structured")
async def structured():
    settings = OpenAIChatPromptExecutionSettings(response_format=Dog)
    expect(
        Dog.model_validate_json(str(await service().get_chat_message_content(history(), settings))),
        "object",
    )


@step("errors")
def errors():
    wrong = service("nw-wrong")
    ask = lambda: wrong.get_chat_message_content(history(), OpenAIChatPromptExecutionSettings())
    raises(ServiceResponseException, ask)


main()
