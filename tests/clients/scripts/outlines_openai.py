"""Outlines."""

import openai
import outlines
import pydantic
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def model(key=KEY):
    return outlines.from_openai(openai.OpenAI(base_url=URL, api_key=key, max_retries=0), MODEL)


@step("chat")
def chat():
    expect(model()(ASK), "text")


@step("stream")
def stream():
    expect(list(model().stream(ASK)), "pieces")


@step("structured")
def structured():
    expect(Dog.model_validate_json(model()(ASK, Dog)), "object")


@step("errors")
def errors():
    raises(Exception, lambda: model("nw-wrong")(ASK))


main()
