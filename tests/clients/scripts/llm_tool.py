"""Simon Willison's llm."""

import llm
import openai
from llm.default_plugins.openai_models import Chat
from steps import (
    ASK,
    ASK_WEATHER,
    KEY,
    MODEL,
    SCHEMA,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)


def model(key=KEY):
    made = Chat(MODEL, model_name=MODEL, api_base=URL, supports_tools=True, supports_schema=True)
    made.key = key
    return made


@step("chat")
def chat():
    expect(model().prompt(ASK, stream=False).text(), "text")


@step("usage")
def usage():
    done = model().prompt(ASK, stream=False)
    done.text()
    expect(done.usage().output, "tokens")


@step("stream")
def stream():
    expect("".join(model().prompt(ASK)), "text")


@step("tools")
def tools():
    expect(model().chain(ASK_WEATHER, tools=[weather]).text(), "text")
    used_tool()


@step("structured")
def structured():
    expect("name" in model().prompt(ASK, schema=SCHEMA, stream=False).text(), "JSON")


@step("errors")
def errors():
    raises(
        (openai.AuthenticationError, llm.ModelError), lambda: model("nw-wrong").prompt(ASK).text()
    )


main()
