"""Arize Phoenix's evaluators, with a model as the judge."""

from openai import AuthenticationError
from phoenix.evals import LLM, create_classifier
from steps import ASK, KEY, MODEL, SCHEMA, URL, expect, main, raises, step

GRADES = {"good": 1.0, "bad": 0.0}


def judge(key=KEY):
    return LLM(provider="openai", model=MODEL, api_key=key, base_url=URL)


@step("chat")
def chat():
    expect(judge().generate_text(prompt=ASK), "text")


@step("tools")
def tools():
    asked = {"name": "good", "prompt_template": "Is {output} good?", "choices": GRADES}
    (score,) = create_classifier(llm=judge(), **asked).evaluate({"output": "a dog"})
    expect(score.label in GRADES, "grade")


@step("structured")
def structured():
    expect(judge().generate_object(prompt=ASK, schema=SCHEMA)["name"], "object")


@step("errors")
def errors():
    raises(AuthenticationError, lambda: judge("nw-wrong").generate_text(prompt=ASK))


main()
