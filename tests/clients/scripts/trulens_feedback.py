"""TruLens' feedback, with reasons, by OpenAI's SDK."""

import os

os.environ["TRULENS_OTEL_TRACING"] = "0"

from steps import KEY, MODEL, URL, expect, main, raises, step
from trulens.providers.openai import OpenAI

QUESTION, ANSWER = "Which dog is brown?", "Rex is brown."


def provider(key=KEY):
    return OpenAI(model_engine=MODEL, api_key=key, base_url=URL, max_retries=0)


@step("chat")
def chat():
    expect(isinstance(provider().relevance(QUESTION, ANSWER, max_score_val=10), float), "score")


@step("structured")
def structured():
    score, reasons = provider().relevance_with_cot_reasons(QUESTION, ANSWER, max_score_val=10)
    expect(isinstance(score, float) and reasons, "score with reasons")


@step("errors")
def errors():
    raises(RuntimeError, lambda: provider("nw-wrong").relevance(QUESTION, ANSWER))


main()
