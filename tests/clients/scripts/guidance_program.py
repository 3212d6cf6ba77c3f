"""guidance, over a server: it streams and asks for log probabilities."""

import json

import openai
from guidance import assistant, gen, models, user
from guidance import json as gen_json
from steps import ASK, KEY, MODEL, SCHEMA, URL, expect, main, raises, step


def asked(key=KEY):
    made = models.OpenAI(MODEL, echo=False, api_key=key, base_url=URL, max_retries=0)
    with user():
        made += ASK
    return made


def answered(made):
    with assistant():
        made += gen("said", max_tokens=50)
    return made


@step("chat")
def chat():
    expect(answered(asked())["said"], "text")


@step("usage")
def usage():
    made = answered(asked())
    expect(made._get_usage().output_tokens, "tokens")


@step("structured")
def structured():
    made = asked()
    with assistant():
        made += gen_json(name="dog", schema=SCHEMA)
    expect(json.loads(made["dog"])["name"], "object")


@step("errors")
def errors():
    raises(openai.AuthenticationError, lambda: answered(asked("nw-wrong")))


main()
