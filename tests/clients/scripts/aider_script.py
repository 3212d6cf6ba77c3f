"""aider, by its models' own calls (over litellm)."""

import litellm
from aider.models import Model
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

litellm.suppress_debug_info = True
ASKED = [{"role": "user", "content": ASK}]


def made(key=KEY):
    model = Model(f"openai/{MODEL}")
    model.extra_params = {"api_base": URL, "api_key": key, "max_retries": 0}
    return model


@step("chat")
def chat():
    expect(made().simple_send_with_retries(ASKED), "text")


@step("stream")
def stream():
    _, pieces = made().send_completion(ASKED, functions=None, stream=True)
    expect("".join(each.choices[0].delta.content or "" for each in pieces), "text")


@step("usage")
def usage():
    _, done = made().send_completion(ASKED, functions=None, stream=False)
    expect(done.usage.completion_tokens, "tokens")


@step("errors")
def errors():
    asked = {"functions": None, "stream": False}
    raises(litellm.AuthenticationError, lambda: made("nw-wrong").send_completion(ASKED, **asked))


main()
