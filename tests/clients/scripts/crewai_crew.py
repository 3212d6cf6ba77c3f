"""CrewAI."""

import pydantic
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

model = LLM(model=f"openai/{MODEL}", base_url=URL, api_key=KEY, max_retries=0)


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def crew(text, tools=(), **more):
    agent = Agent(role="a", goal="g", backstory="b", llm=model, tools=list(tools), max_iter=3)
    task = Task(description=text, expected_output="a sentence", agent=agent, **more)
    return Crew(agents=[agent], tasks=[task], verbose=False).kickoff()


@step("chat")
def chat():
    expect(model.call(ASK), "text")


@step("usage")
def usage():
    expect(crew(ASK).token_usage.total_tokens, "tokens")


@step("tools")
def tools():
    expect(crew(ASK_WEATHER, [tool("weather")(weather)]).raw, "text")
    used_tool()


@step("structured")
def structured():
    expect(crew(ASK, output_pydantic=Dog).pydantic, "object")


@step("errors")
def errors():
    wrong = LLM(model=f"openai/{MODEL}", base_url=URL, api_key="nw-wrong", max_retries=0)
    raises(Exception, lambda: wrong.call(ASK))


main()
