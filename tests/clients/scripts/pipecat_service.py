"""Pipecat's services for OpenAI, as a voice agent asks: a frame for each piece."""

import json
import os

import openai
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import ErrorFrame, LLMContextFrame, LLMTextFrame, MetricsFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.responses.llm import OpenAIResponsesHttpLLMService
from pipecat.tests.utils import SleepFrame, run_test
from steps import (
    ASK,
    ASK_WEATHER,
    KEY,
    MODEL,
    SCHEMA,
    URL,
    WEATHER,
    expect,
    main,
    step,
    used_tool,
    weather,
)

Service = {"chat": OpenAILLMService, "responses": OpenAIResponsesHttpLLMService}[os.environ["AT"]]


def service(key=KEY):
    settings = Service.Settings(model=MODEL)
    return Service(api_key=key, base_url=URL, settings=settings)


def asked(prompt, **more):
    return LLMContext(messages=[{"role": "user", "content": prompt}], **more)


async def frames(context, made, wait=0.0):
    """All frames of an answer, those of an error among them."""
    params = PipelineParams(enable_metrics=True, enable_usage_metrics=True)
    sent = [LLMContextFrame(context), SleepFrame(wait)]
    down, up = await run_test(made, frames_to_send=sent, pipeline_params=params)
    return [*down, *up]


def text(found):
    return "".join(each.text for each in found if isinstance(each, LLMTextFrame))


@step("chat")
async def chat():
    expect(await service().run_inference(asked(ASK)), "text")


@step("stream")
async def stream():
    expect(text(await frames(asked(ASK), service())), "text")


@step("usage")
async def usage():
    told = [each for each in await frames(asked(ASK), service()) if isinstance(each, MetricsFrame)]
    counted = [data.value for each in told for data in each.data if "Usage" in type(data).__name__]
    expect(counted and counted[-1].completion_tokens, "tokens")


@step("tools")
async def tools():
    function = FunctionSchema("weather", "Tell the weather.", WEATHER["properties"], ["city"])
    context = asked(ASK_WEATHER, tools=ToolsSchema(standard_tools=[function]))
    made, results = service(), []

    async def called(params):
        results.append((params.tool_call_id, params.arguments, weather(**params.arguments)))
        await params.result_callback(results[-1][2])

    made.register_function("weather", called)
    await frames(context, made, wait=0.5)
    used_tool()
    ident, arguments, result = results[0]
    function = {"name": "weather", "arguments": json.dumps(arguments)}
    context.add_message(
        {
            "role": "assistant",
            "tool_calls": [{"id": ident, "type": "function", "function": function}],
        }
    )
    context.add_message({"role": "tool", "tool_call_id": ident, "content": result})
    expect(text(await frames(context, service())), "text after the tool")


@step("structured")
async def structured():
    told = await service().run_inference(asked(ASK), response_schema=SCHEMA)
    expect(json.loads(told)["name"], "object")


@step("errors")
async def errors():
    found = await frames(asked(ASK), service("nw-wrong"))
    failed = [each for each in found if isinstance(each, ErrorFrame)]
    expect(failed and "401" in failed[0].error, f"error: {found}")
    try:
        await service("nw-wrong").run_inference(asked(ASK))
    except openai.AuthenticationError:
        return
    raise AssertionError("raised nothing")


main()
