"""aisuite."""

import aisuite
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather


def client(key=KEY):
    return aisuite.Client({"openai": {"base_url": URL, "api_key": key, "max_retries": 0}})


def asked(text):
    return {"model": f"openai:{MODEL}", "messages": [{"role": "user", "content": text}]}


@step("chat")
def chat():
    expect(client().chat.completions.create(**asked(ASK)).choices[0].message.content, "text")


@step("tools")
def tools():
    made = client().chat.completions.create(tools=[weather], max_turns=2, **asked(ASK_WEATHER))
    expect(made.choices[0].message.content, "text")
    used_tool()


@step("errors")
def errors():
    raises(Exception, lambda: client("nw-wrong").chat.completions.create(**asked(ASK)))


main()
