"""browser-use, by its models' own calls."""

import os

import pydantic
from browser_use.llm import ChatAnthropic, ChatOpenAI, UserMessage
from browser_use.llm.exceptions import ModelProviderError
from steps import ASK, CLAUDE, KEY, MODEL, ROOT, URL, expect, main, raises, step

ASKED = [UserMessage(content=ASK)]


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def model(key=KEY):
    if os.environ.get("AT") == "anthropic":
        return ChatAnthropic(CLAUDE, api_key=key, base_url=ROOT, max_retries=0)
    return ChatOpenAI(MODEL, api_key=key, base_url=URL, max_retries=0)


@step("chat")
async def chat():
    expect((await model().ainvoke(ASKED)).completion, "text")


@step("usage")
async def usage():
    expect((await model().ainvoke(ASKED)).usage.completion_tokens, "tokens")


@step("structured")
async def structured():
    done = await model().ainvoke(ASKED, output_format=Dog)
    expect(isinstance(done.completion, Dog), "object")


@step("errors")
def errors():
    raises(ModelProviderError, lambda: model("nw-wrong").ainvoke(ASKED))


main()
