"""ragas: a model of its own factory, by OpenAI's chats or Anthropic's messages, and a metric."""

import asyncio
import os

from anthropic import Anthropic, AsyncAnthropic
from anthropic import AuthenticationError as AnthropicError
from instructor.core.exceptions import InstructorRetryException
from openai import AsyncOpenAI, AuthenticationError, OpenAI
from pydantic import BaseModel
from ragas.embeddings.base import embedding_factory
from ragas.llms import llm_factory
from ragas.metrics import DiscreteMetric
from steps import CLAUDE, EMBEDDER, KEY, MODEL, ROOT, URL, expect, main, raises, step

AT = os.environ["AT"]


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def model(key=KEY, waiting=False):
    if AT == "anthropic":
        kind = AsyncAnthropic if waiting else Anthropic
        return llm_factory(CLAUDE, provider="anthropic", client=kind(api_key=key, base_url=ROOT))
    kind = AsyncOpenAI if waiting else OpenAI
    return llm_factory(MODEL, client=kind(api_key=key, base_url=URL))


@step("structured")
def structured():
    expect(model().generate("Make up a dog.", Dog).name, "object")
    expect(asyncio.run(model(waiting=True).agenerate("Make up a dog.", Dog)).name, "object")


@step("chat")
def chat():
    metric = DiscreteMetric(
        name="kind", prompt="Is this kind? {response}", allowed_values=["yes", "no"]
    )
    expect(metric.score(llm=model(), response="Good dog.").value in ("yes", "no"), "verdict")


if AT == "openai":

    @step("embeddings")
    def embeddings():
        made = embedding_factory("openai", EMBEDDER, client=OpenAI(api_key=KEY, base_url=URL))
        expect(made.embed_text("a dog"), "vector")


@step("errors")
def errors():
    kinds = (InstructorRetryException, AuthenticationError, AnthropicError)
    raises(kinds, lambda: model("nw-wrong").generate("Make up a dog.", Dog))


main()
