"""Braintrust's autoevals: a judge that chooses by a tool, and likeness by vectors."""

import openai
from autoevals import EmbeddingSimilarity, LLMClassifier, init
from openai import OpenAI
from steps import EMBEDDER, KEY, MODEL, URL, expect, main, raises, step


def judge(key=KEY):
    init(client=OpenAI(api_key=key, base_url=URL, max_retries=0))
    return LLMClassifier(
        name="kind", prompt_template="Is this kind? {{output}}", choice_scores={"Yes": 1, "No": 0},
        model=MODEL, use_cot=True,
    )  # fmt: skip


@step("tools")
def tools():
    expect(judge().eval(output="Good dog.", expected=None).score in (0, 1), "verdict")


@step("embeddings")
def embeddings():
    judge()
    found = EmbeddingSimilarity(model=EMBEDDER).eval(output="a dog", expected="a dog")
    expect(found.score > 0.99, "likeness")


@step("errors")
def errors():
    raises(
        openai.AuthenticationError,
        lambda: judge("nw-wrong").eval(output="Good dog.", expected=None),
    )


main()
