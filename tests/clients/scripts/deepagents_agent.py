"""LangChain's deep agents, with files of their own."""

import openai
from deepagents import create_deep_agent
from langchain_openai import ChatOpenAI
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step


def agent(key=KEY):
    model = ChatOpenAI(model=MODEL, base_url=URL, api_key=key, max_retries=0)
    return create_deep_agent(model=model, system_prompt="Be short.")


def asked(prompt):
    return {"messages": [{"role": "user", "content": prompt}]}


@step("chat")
def chat():
    expect(agent().invoke(asked(ASK))["messages"][-1].content, "text")


@step("stream")
def stream():
    pieces = list(agent().stream(asked(ASK), stream_mode="messages"))
    expect("".join(piece.text for piece, _ in pieces), "text")


@step("usage")
def usage():
    last = agent().invoke(asked(ASK))["messages"][-1]
    expect(last.usage_metadata["output_tokens"], "tokens")


@step("tools")
def tools():
    told = 'CALL write_file {"file_path": "/dog.txt", "content": "wuff"}'
    done = agent().invoke(asked(told))
    expect("/dog.txt" in done["files"], "file")
    expect(done["messages"][-1].content, "text")


@step("errors")
def errors():
    raises(openai.AuthenticationError, lambda: agent("nw-wrong").invoke(asked(ASK)))


main()
