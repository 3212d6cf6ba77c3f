"""Google's Agent Development Kit, by LiteLlm."""

from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather


async def run(text, key=KEY, **more):
    model = LiteLlm(model=f"openai/{MODEL}", api_base=URL, api_key=key, max_retries=0)
    runner = InMemoryRunner(agent=LlmAgent(name="a", model=model, **more), app_name="x")
    session = await runner.session_service.create_session(app_name="x", user_id="u")
    said = types.Content(role="user", parts=[types.Part(text=text)])
    events = runner.run_async(user_id="u", session_id=session.id, new_message=said)
    return [each async for each in events]


@step("chat")
async def chat():
    expect((await run(ASK))[-1].content.parts[0].text, "text")


@step("usage")
async def usage():
    expect((await run(ASK))[-1].usage_metadata.total_token_count, "tokens")


@step("tools")
async def tools():
    expect((await run(ASK_WEATHER, tools=[weather]))[-1].content.parts[0].text, "text")
    used_tool()


@step("errors")
def errors():
    import litellm

    raises(litellm.AuthenticationError, lambda: run(ASK, "nw-wrong"))


main()
