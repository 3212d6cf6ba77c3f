"""Requests that a server refuses for one of their parameters, over loopback HTTP."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import reverse

from llmconfig import client
from llmconfig.client.errors import GenerationRefused
from llmconfig.client.provider_batches import answers
from llmconfig.client.types import Call, Message
from llmconfig.configuration import snapshot
from llmconfig.models import ProviderModel, RefusedParameter, Revision
from tests.api import caller
from tests.loopback import answered, loopback, streamed

pytestmark = pytest.mark.django_db(transaction=True)

SHAPE = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
USER = Message(role="user", content="Name a dog.")


def openai_error(message, param=None, code=None):
    return {"error": {"message": message, "param": param, "code": code}}


def has(name):
    return lambda body: name in body


def has_role(role):
    return lambda body: any(each["role"] == role for each in body["messages"])


def has_format(*kinds):
    return lambda body: body.get("response_format", {}).get("type") in kinds


@dataclass
class Case:
    """A server that refuses what `when` finds, in these words; what is asked; what is dropped."""

    when: Any
    error: Any
    dropped: list[str]
    kept: list[str]  # by their names in the table
    status: int = 400
    extra: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    schema: bool = False
    requests: int = 2  # of the first call


CASES = {
    # https://platform.openai.com/docs/guides/latest-model, in the words of its API
    "OpenAI: temperature": Case(
        has("temperature"),
        openai_error(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the"
            " default (1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
        ["temperature"],
        ["temperature"],
        given={"temperature": 0.2},
    ),
    "Moonshot: temperature in words": Case(
        has("temperature"),
        {"error": {"message": "invalid temperature: only 1 is allowed for this model"}},
        ["temperature"],
        ["temperature"],
        given={"temperature": 0.7},
    ),
    "OpenAI: max_tokens": Case(
        has("max_tokens"),
        openai_error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        ["max_tokens (sent as max_completion_tokens)"],
        ["max_tokens"],
        given={"max_tokens": 50},
    ),
    # FastAPI and Mistral: https://docs.pydantic.dev/latest/errors/validation_errors/#extra_forbidden
    "FastAPI: seed": Case(
        has("seed"),
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "seed"],
                    "msg": "Extra inputs are not permitted",
                    "input": 7,
                }
            ]
        },
        ["seed"],
        ["seed"],
        status=422,
        extra={"seed": 7},
    ),
    "parallel_tool_calls": Case(
        has("parallel_tool_calls"),
        {"object": "error", "message": "parallel_tool_calls: unknown field", "code": 400},
        ["parallel_tool_calls"],
        ["parallel_tool_calls"],
        extra={"parallel_tool_calls": False},
    ),
    # docs.x.ai/docs/guides/reasoning: parameters that its reasoning models don't take
    "xAI: a name in camel case": Case(
        has("presence_penalty"),
        {
            "code": "Client specified an invalid argument",
            "error": "Argument not supported on this model: presencePenalty",
        },
        ["presence_penalty"],
        ["presence_penalty"],
        extra={"presence_penalty": 0.5},
    ),
    "a plain word that isn't supported": Case(
        has("seed"),
        {"message": "invalid request: seed is not supported"},
        ["seed"],
        ["seed"],
        extra={"seed": 7},
    ),
    "the value of reasoning_effort": Case(
        lambda body: body.get("reasoning_effort") == "minimal",
        openai_error(
            "Unsupported value: 'minimal' is not supported with the 'o3-mini' model. Supported"
            " values are: 'low', 'medium', and 'high'.",
            "reasoning_effort",
            "unsupported_value",
        ),
        ["reasoning_effort"],
        ["reasoning_effort=minimal"],
        extra={"reasoning_effort": "minimal"},
    ),
    "two parameters, one after the other": Case(
        lambda body: "top_p" in body or "logit_bias" in body,
        {"error": "logit_bias, top_p: unsupported"},
        ["logit_bias", "top_p"],
        ["logit_bias", "top_p"],
        extra={"top_p": 0.5, "logit_bias": {"5": 1}},
        requests=3,
    ),
    "a chat template without developer": Case(
        has_role("developer"),
        {"error": {"message": "Unexpected message role.", "code": 400}},
        ["role developer (sent as system)"],
        ["role:developer"],
        roles=("developer",),
    ),
    # llama.cpp hands a template's exception on as its own fault
    "a chat template without system, as a 500": Case(
        has_role("system"),
        {"error": {"code": 500, "message": "Jinja Exception: System role not supported"}},
        ["role system (sent as user)"],
        ["role:system"],
        status=500,
        roles=("system",),
    ),
    "neither developer nor system": Case(
        lambda body: body["messages"][0]["role"] in {"developer", "system"},
        {"error": {"message": "This template knows no system role, nor that of a developer."}},
        ["role developer (sent as user)"],
        ["role:developer", "role:system"],
        roles=("developer",),
        requests=3,
    ),
    "LM Studio: json_object": Case(
        has_format("json_object"),
        {"error": "'response_format.type' must be 'json_schema' or 'text'"},
        ["response_format json_object (sent as json_schema)"],
        ["response_format:json_object"],
        schema=True,
    ),
    "no form at all": Case(
        has("response_format"),
        {"error": {"message": "This response_format type is unavailable now"}},
        ["response_format"],
        ["response_format:json_object", "response_format:json_schema"],
        schema=True,
        requests=3,
    ),
    "a caller's own JSON mode": Case(
        has_format("json_object"),
        {"error": "'response_format.type' must be 'json_schema' or 'text'"},
        ["response_format json_object (sent as json_schema)"],
        ["response_format:json_object"],
        extra={"response_format": {"type": "json_object"}},
    ),
    "two that exclude each other: left out of this request only": Case(
        lambda body: {"temperature", "top_p"} <= body.keys(),
        {"error": {"message": "`temperature` and `top_p` cannot both be specified."}},
        ["top_p"],
        [],
        given={"temperature": 0.2},
        extra={"top_p": 0.5},
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def call_of(case, model="picky/m"):
    return Call(
        node=model,
        messages=[*(Message(role=each, content="Be brief.") for each in case.roles), USER],
        schema=SHAPE if case.schema else None,
        given=case.given,
        extra=case.extra,
    )


def answers_of(case):
    """The server of a case."""

    def answer(body):
        if case.when(body):
            return case.status, case.error
        if body.get("stream"):
            return 200, streamed('{"name": "Rex"}')
        return 200, answered('{"name": "Rex"}')

    return answer


def until_kept(names):
    """What the table holds, once a thread has written it."""
    ends = time.monotonic() + 60
    while True:
        found = sorted(RefusedParameter.objects.values_list("parameter", flat=True))
        if found == sorted(names) or time.monotonic() > ends:
            return found
        time.sleep(0.02)


@pytest.fixture
def picky(make_provider):
    """Make the provider of a case and serve it."""

    def make(served, **fields):
        fields = {"api_base_url": served.url, "schema": False, **fields}
        return make_provider("picky", "custom", model_id="m", **fields)

    return make


def test_what_is_refused_is_left_out_told_and_remembered(case, picky):
    with loopback(answers_of(case)) as served:
        picky(served)
        first = client.generate(call_of(case)).record
        assert list(first.dropped_params) == case.dropped
        assert len(served.bodies) == case.requests
        assert [each.moved_on for each in first.attempts] == [*["adjust"] * (case.requests - 1), ""]
        assert first.attempts[0].cost_usd is None
        assert not first.attempts[0].paid
        assert until_kept(case.kept) == sorted(case.kept)
        snapshot.expire()
        second = client.generate(call_of(case)).record
        if case.kept:
            assert len(second.attempts) == 1
        assert list(second.dropped_params) == case.dropped


def test_the_same_holds_for_streams(case, picky):
    async def listen():
        try:
            return [each async for each in client.astream(call_of(case))][-1]
        finally:
            await client.aclose()

    with loopback(answers_of(case)) as served:
        picky(served)
        made = asyncio.run(listen())
        assert made.text == '{"name": "Rex"}'
        assert list(made.record.dropped_params) == case.dropped


def test_a_stream_goes_to_a_server_without_stream_options(picky):
    case = Case(
        has("stream_options"),
        {"error": {"message": "stream_options: extra inputs are not permitted"}},
        ["stream_options"],
        ["stream_options"],
        status=422,
    )
    with loopback(answers_of(case)) as served:
        picky(served)

        async def listen():
            try:
                return [each async for each in client.astream(call_of(case))][-1]
            finally:
                await client.aclose()

        assert asyncio.run(listen()).record.dropped_params == ("stream_options",)
        assert until_kept(["stream_options"]) == ["stream_options"]


@pytest.mark.parametrize(
    ("error", "given", "extra"),
    [
        (openai_error("Invalid type for 'seed': expected an integer", "seed"), {}, {"seed": "x"}),
        ({"error": {"message": "max_tokens is too large: 9"}}, {"max_tokens": 9}, {}),
        (openai_error("'stop' is not supported with this model", "stop"), {}, {"stop": ["a"]}),
        ({"error": {"message": "temperature: the user is too hot"}}, {}, {"seed": 1}),
        ({"error": {"message": "Use seed words and store them"}}, {}, {"seed": 1}),
        (openai_error("This model's maximum context length is 9", "max_tokens",
                      "context_length_exceeded"), {"max_tokens": 9}, {}),
    ],
)  # fmt: skip
def test_other_refusals_stay_errors(picky, error, given, extra):
    with loopback(lambda _: (400, error)) as served:
        picky(served)
        with pytest.raises(GenerationRefused):
            client.generate(Call(node="picky/m", messages=[USER], given=given, extra=extra))
        assert len(served.bodies) == 1


def test_what_still_fails_without_it_is_not_remembered(picky):
    with loopback(lambda _: (400, openai_error("temperature: unsupported"))) as served:
        picky(served)
        call = Call(node="picky/m", messages=[USER], given={"temperature": 0.2})
        with pytest.raises(GenerationRefused):
            client.generate(call)
        assert len(served.bodies) == 2
        assert until_kept([]) == []


def test_a_single_attempt_and_a_cool_down_at_once_forbid_no_adjustment(picky, settings):
    settings.LLM_ENVIRONMENT |= {"LLM_RETRY_MAX_ATTEMPTS": 1, "LLM_COOLDOWN_FAILURES": 1}
    case = CASES["neither developer nor system"]
    with loopback(answers_of(case)) as served:
        picky(served)
        record = client.generate(call_of(case)).record
        assert [each.outcome for each in record.attempts] == ["http_400", "http_400", "ok"]


def test_a_providers_batch_leaves_out_what_is_known(make_provider, settings):
    provider = make_provider("sim", "openai", model_id="gpt-4o")
    RefusedParameter.objects.create(provider=provider, model_id="gpt-4o", parameter="temperature")
    snapshot.expire()
    call = Call(node="sim/gpt-4o", messages=[USER], given={"temperature": 0.2})
    assert "temperature" not in answers.body_of(call, snapshot.current())


def test_a_vendors_known_quirk_needs_no_refusal(make_provider):
    for name in ("gpt-5-mini", "o3", "gpt-5-2025-08-07"):
        make_provider(name, "openai", model_id=name)
        call = Call(node=f"{name}/{name}", messages=[USER], given={"temperature": 0.2})
        assert "temperature" not in answers.body_of(call, snapshot.current())
    make_provider("other", "openai", model_id="gpt-5.2")
    call = Call(node="other/gpt-5.2", messages=[USER], given={"temperature": 0.2})
    assert answers.body_of(call, snapshot.current())["temperature"] == 0.2


def test_the_models_page_and_the_api_show_and_clear_it(picky, admin_client):
    case = CASES["OpenAI: temperature"]
    with loopback(answers_of(case)) as served:
        provider = picky(served)
        client.generate(call_of(case))
        assert until_kept(case.kept) == case.kept
        assert Revision.objects.latest("number").source == "call"
        model = ProviderModel.objects.get(provider=provider)
        page = admin_client.get(reverse("admin:llmconfig_providermodel_change", args=[model.pk]))
        assert "does not support 0.2 with this model" in page.content.decode()

        address = f"/api/v1/llm/models/{model.pk}/refused-parameters"
        assert caller("viewer").get(address).json()[0]["parameter"] == "temperature"
        assert caller("viewer").delete(address).status_code == 403
        assert caller("administrator").delete(address).status_code == 204
        assert not RefusedParameter.objects.exists()
        client.generate(call_of(case))
        assert until_kept(case.kept) == case.kept

        page = reverse("admin:llmconfig_providermodel_clear_refusals", args=[model.pk])
        assert admin_client.post(page).status_code == 302
        assert not RefusedParameter.objects.exists()
        served.bodies.clear()
        client.generate(call_of(case))
        assert ["temperature" in each for each in served.bodies] == [True, False]
