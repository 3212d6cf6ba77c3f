"""Responses of `/v1/responses` that are kept: read again, continued, listed, deleted."""

import datetime as dt
import json
from typing import Any

import openai
import pytest
from django.db import connection
from django.utils import timezone
from openai.types.responses import (
    Response,
    ResponseCompactionItem,
    ResponseInputMessageItem,
)
from openai.types.responses.response_item_list import ResponseItemList

from llmconfig import client as llm_client
from llmconfig.configuration import process_settings
from llmconfig.models import StoredResponse
from metrics.models import GenerationMetric
from metrics.tasks import drop_expired_months
from tests.llmconfig.test_responses import (
    ANSWERS,
    CALLS,
    EVENTS,
    WEATHER,
    chunks,
    serve,
    strictly,
    whole,
)
from tests.loopback import answered

__all__ = ["serve"]
pytestmark = pytest.mark.django_db(transaction=True)
HELLO = "Say hello."
MISSING = "resp_" + 32 * "0"


def responses() -> Any:
    return llm_client.get_llm("tag_rows").openai().responses


def client() -> Any:
    return llm_client.get_llm("tag_rows").openai()


def said(served: Any) -> list[tuple[str, Any]]:
    """The last request's conversation."""
    return [(each["role"], each["content"]) for each in served.bodies[-1]["messages"]]


def test_a_response_is_read_again_continued_and_deleted(serve):
    served = serve(
        lambda body: (
            200,
            chunks({"content": "Fine."}) if "stream" in body else answered(),
        )
    )
    for how in ({}, {"stream": True}):
        first = client().responses.create(model="x", input="One.", instructions="Bark.", **how)
        made = list(first)[-1].response if how else first
        assert made.model_extra["store"] is True
        again = client().get(f"/responses/{made.id}", cast_to=object)
        assert strictly(Response, again).model_dump() == made.model_dump()
        # Instructions don't go on with a conversation, as OpenAI has it.
        second = responses().create(
            model="x",
            input=[{"role": "user", "content": [{"type": "input_text", "text": "Two."}]}],
            previous_response_id=made.id,
        )
        assert second.previous_response_id == made.id
        responses().create(model="x", input="Three.", previous_response_id=second.id)
        assert said(served) == [
            ("user", "One."),
            ("assistant", "Fine."),
            ("user", "Two."),
            ("assistant", "Fine."),
            ("user", "Three."),
        ]
        gone = client().delete(f"/responses/{made.id}", cast_to=object)
        assert gone == {"id": made.id, "object": "response", "deleted": True}
        with pytest.raises(openai.NotFoundError):
            responses().retrieve(made.id)
        with pytest.raises(openai.BadRequestError, match="deleted") as lost:
            responses().create(model="x", input="Four.", previous_response_id=second.id)
        assert lost.value.code == "previous_response_not_found"


def test_a_loop_of_tools_goes_on_by_ids(serve):
    served = serve(lambda _: (200, whole("tool_calls", reasoning_content="Hm.", tool_calls=CALLS)))
    made = responses().create(model="x", input=HELLO, tools=[WEATHER])
    outputs = [
        {"type": "function_call_output", "call_id": each["id"], "output": "sunny"} for each in CALLS
    ]
    responses().create(model="x", input=outputs, previous_response_id=made.id, tools=[WEATHER])
    messages = served.bodies[-1]["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant", "tool", "tool"]
    assert [each["id"] for each in messages[1]["tool_calls"]] == ["c0", "c1"]


def told_again(response_id: str, **query: Any) -> list[Any]:
    """The events of a kept response, each read strictly."""
    http = client()._client
    path = f"http://in-process/v1/responses/{response_id}"
    lines = http.get(path, params={"stream": "true", **query}).text.splitlines()
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert [line[7:] for line in lines if line.startswith("event: ")] == [e["type"] for e in data]
    return [strictly(EVENTS[each["type"]], each) for each in data]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_kept_response_is_told_again_as_a_stream(serve, answer):
    message, _, reason, _ = ANSWERS[answer]
    serve(lambda _: (200, whole(reason, **message)))
    made = responses().create(model="x", input=HELLO, tools=[WEATHER])
    events = told_again(made.id)
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert events[-1].response.model_dump() == made.model_dump()
    items = [each.item for each in events if each.type == "response.output_item.done"]
    assert items == made.output
    if made.status == "completed":  # OpenAI's client puts no other together from a stream
        with responses().stream(response_id=made.id) as stream:
            assert stream.get_final_response().output_text == made.output_text
    assert told_again(made.id, starting_after=3) == events[4:]
    (last,) = told_again(made.id, starting_after=900)  # of a telling with more pieces
    assert (last.type, last.sequence_number) == (events[-1].type, 901)
    assert last.response == events[-1].response


def test_input_items_are_listed_with_ids_and_in_pages(serve):
    serve(lambda _: (200, whole("tool_calls", content="Hm.", tool_calls=CALLS[:1])))
    first = responses().create(
        model="x",
        input=[
            {"role": "developer", "content": "Bark."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA"},
                ],
            },
        ],
        tools=[WEATHER],
    )
    output = {"type": "function_call_output", "call_id": "c0", "output": "sunny"}
    second = responses().create(
        model="x",
        input=[output, {"role": "assistant", "content": "Well."}],
        tools=[WEATHER],
        previous_response_id=first.id,
    )
    raw = client().get(f"/responses/{second.id}/input_items?order=asc", cast_to=object)
    listed = strictly(ResponseItemList, raw)
    kinds = [(each.type, getattr(each, "role", "")) for each in listed.data]
    assert kinds == [
        ("message", "developer"),
        ("message", "user"),
        ("message", "assistant"),
        ("function_call", ""),
        ("function_call_output", ""),
        ("message", "assistant"),
    ]
    ids = [each.id for each in listed.data]
    assert len(set(ids)) == len(ids)
    paged = responses().input_items.list(second.id, limit=2)
    assert [each.id for each in paged] == ids[::-1]
    for wrong in ("order=up", "limit=0", "limit=many", "after=msg_1"):
        with pytest.raises(openai.BadRequestError) as refused:
            client().get(f"/responses/{second.id}/input_items?{wrong}", cast_to=object)
        assert refused.value.param == wrong.partition("=")[0]


def test_what_is_not_there_or_not_possible_says_so(serve):
    served = serve(lambda _: (200, answered()))
    kept = responses().create(model="x", input=HELLO)
    unkept = responses().create(model="x", input=HELLO, store=False)
    assert unkept.model_extra["store"] is False
    for wanted in (MISSING, unkept.id, "resp_1", "x", "resp_' OR 1=1"):
        for method, action in (("get", ""), ("delete", ""), ("post", "/cancel")):
            with pytest.raises(openai.NotFoundError):
                getattr(client(), method)(f"/responses/{wanted}{action}", cast_to=object)
        with pytest.raises(openai.BadRequestError) as refused:
            responses().create(model="x", input=HELLO, previous_response_id=wanted)
        assert refused.value.param == "previous_response_id"
        with pytest.raises(openai.BadRequestError):
            client().get(f"/responses/{wanted}/input_items", cast_to=object)
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        responses().cancel(kept.id)
    for wrong_number in ("x", "-1", 11 * "9"):
        with pytest.raises(openai.BadRequestError) as refused:
            client().get(f"/responses/{kept.id}?starting_after={wrong_number}", cast_to=object)
        assert refused.value.param == "starting_after"
    with pytest.raises(openai.APIStatusError) as wrong:
        client().post(f"/responses/{kept.id}/input_items", cast_to=object)
    assert wrong.value.status_code == 405
    with pytest.raises(openai.NotFoundError):
        client().get(f"/responses/{kept.id}/nothing", cast_to=object)
    counted = responses().input_tokens.count(model="x", input=HELLO, previous_response_id=kept.id)
    assert counted.input_tokens > 0
    assert len(served.bodies) == 2


OFF = [{"LLM_RESPONSES_KEEP_DAYS": 0}, {"LLM_FEATURE_HISTORY": False}]


@pytest.mark.parametrize("off", OFF, ids=lambda each: next(iter(each)))
def test_nothing_is_kept_where_texts_are_not(serve, settings, off):
    serve(lambda _: (200, answered()))
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, **off}
    assert responses().create(model="x", input=HELLO, store=True).model_extra["store"] is False
    assert not StoredResponse.objects.exists()


def test_old_responses_are_read_no_more_and_deleted_by_retention(serve, settings):
    serve(lambda _: (200, answered()))
    old, new = (responses().create(model="x", input=HELLO) for _ in range(2))
    days = process_settings.default_of("LLM_RESPONSES_KEEP_DAYS")
    StoredResponse.objects.filter(pk=old.id.removeprefix("resp_")).update(
        created_at=timezone.now() - dt.timedelta(days=days, seconds=1)
    )
    with pytest.raises(openai.NotFoundError):
        responses().retrieve(old.id)
    drop_expired_months()
    assert [f"resp_{row.pk.hex}" for row in StoredResponse.objects.all()] == [new.id]


def test_an_answer_goes_out_although_it_can_not_be_kept(serve):
    serve(lambda _: (200, answered()))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE llm_gateway_responses RENAME TO away")
    try:
        made = responses().create(model="x", input=HELLO)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO llm_gateway_responses")
    assert (made.output_text, made.model_extra["store"]) == ("Fine.", False)


def test_a_conversation_is_compacted_and_goes_on_with_its_summary(serve):
    served = serve(lambda _: (200, answered("They like Rex.")))
    first = responses().create(model="x", input="I like Rex.")
    before = [
        {"role": "user", "content": "And Bella."},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    made = responses().compact(
        model="x", input=before, instructions="Be brief.", previous_response_id=first.id
    )
    assert (made.object, made.usage.total_tokens) == ("response.compaction", 12)
    *users, summary = made.output
    assert [each.content[0].text for each in users] == ["I like Rex.", "And Bella."]
    assert {each.role for each in users} == {"user"}
    strictly(ResponseCompactionItem, summary.model_dump(exclude_unset=True))
    for each in users:  # OpenAI's type of a compacted response has no place for what it promises
        strictly(ResponseInputMessageItem, each.model_dump(exclude_unset=True, warnings=False))
    asked = said(served)
    assert asked[0] == ("system", "Be brief.")
    assert asked[-1][0] == "user"
    assert asked[-1][1].startswith("Sum up this conversation")
    goes_on = [each.model_dump(exclude_none=True, warnings=False) for each in made.output]
    goes_on.append({"role": "user", "content": "Which dog?"})
    responses().create(model="x", input=goes_on)
    told = said(served)
    assert [role for role, _ in told] == ["user"] * 4
    assert told[2][1].endswith("They like Rex.")
    assert GenerationMetric.objects.count() == 3
    for content in ("gAAAAAB", "nwc1.???"):  # OpenAI's own, and a damaged one
        item = {"type": "compaction", "id": "cmp_1", "encrypted_content": content}
        with pytest.raises(openai.BadRequestError) as refused:
            responses().create(model="x", input=[item, *goes_on])
        assert refused.value.param == "input[0].type"
