"""DeepEval's judge, with a model of a name that it doesn't know."""

from deepeval.models import GPTModel
from openai import AuthenticationError
from pydantic import BaseModel
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def judge(key=KEY):
    costs = {"cost_per_input_token": 1e-6, "cost_per_output_token": 1e-6}
    return GPTModel(model=MODEL, api_key=key, base_url=URL, **costs)


@step("chat")
def chat():
    expect(judge().generate(ASK)[0], "text")


@step("usage")
def usage():
    expect(judge().generate(ASK)[1], "cost")


@step("structured")
def structured():
    expect(judge().generate('SAY {"name": "Rex", "age": 3}', schema=Dog)[0].age == 3, "object")


@step("errors")
def errors():
    raises(AuthenticationError, lambda: judge("nw-wrong").generate(ASK))


main()
