"""smolagents."""

import openai
from smolagents import OpenAIServerModel, ToolCallingAgent, tool
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

model = OpenAIServerModel(model_id=MODEL, api_base=URL, api_key=KEY)
messages = [{"role": "user", "content": [{"type": "text", "text": ASK}]}]


@step("chat")
def chat():
    expect(model.generate(messages).content, "text")


@step("usage")
def usage():
    expect(model.generate(messages).token_usage.output_tokens, "tokens")


@step("stream")
def stream():
    expect("".join(piece.content or "" for piece in model.generate_stream(messages)), "text")


@step("tools")
def tools():
    agent = ToolCallingAgent(tools=[tool(weather)], model=model, max_steps=4, verbosity_level=0)
    expect(agent.run(ASK_WEATHER), "answer")
    used_tool()


@step("errors")
def errors():
    wrong = OpenAIServerModel(model_id=MODEL, api_base=URL, api_key="nw-wrong")
    raises(openai.AuthenticationError, lambda: wrong.generate(messages))


main()
