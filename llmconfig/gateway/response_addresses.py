"""The addresses below `/v1/responses`: a response is made, read again, continued and deleted."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

from llmconfig import client, provider_types
from llmconfig.client.types import Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.gateway import (
    compaction,
    response_items,
    response_replay,
    responses_requests,
    stored_responses,
)
from llmconfig.gateway.access import Caller
from llmconfig.gateway.answer_forms import STREAM_HEADERS, AnswerForm
from llmconfig.gateway.gateway_request import GatewayRequest, Handler
from llmconfig.gateway.reading import JSON, ParsedRequest, bad
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.gateway.responses_shape import ResponseEvents
from llmconfig.gateway.stored_responses import StoredTurn

PREFIX = "/v1/responses/"
MAX_DIGITS = 10  # of an event's number
MAX_ITEMS, DEFAULT_ITEMS = 100, 20  # of a page


async def respond(request: GatewayRequest) -> None:
    """Make a response, and keep it unless the caller doesn't want that."""
    body = compaction.opened(await request.body())
    asked, turns = await _read(request, body)
    asked.echo["store"] = stored_responses.is_kept(body)
    events = ResponseEvents(asked)

    async def keep(made: Generation) -> None:
        turn = StoredTurn.of(events.response(made), body, turns)
        asked.echo["store"] = await stored_responses.keep(turn, request.caller)

    form = AnswerForm(
        lambda _, made: events.response(made),
        lambda _: events,
        keep if asked.echo["store"] else None,
    )
    await request.generate(asked, form)


async def _read(request: GatewayRequest, body: JSON) -> tuple[ParsedRequest, list[StoredTurn]]:
    """The request with the conversation that it goes on with."""
    previous = body.get("previous_response_id")
    turns: list[StoredTurn] = []
    if previous is not None:
        turns = await stored_responses.conversation(previous, request.caller)
    before = [item for turn in turns for item in turn.items]
    is_native = _speak_responses(body, request.caller, await snapshot.acurrent())
    asked = responses_requests.read_response(
        body, request.caller, before, is_native=is_native, headers=request.scope["headers"]
    )
    return asked, turns


def _speak_responses(body: JSON, caller: Caller, configuration: Snapshot) -> bool:
    """Whether all targets speak Responses themselves."""
    name = caller.node or body.get("model")
    if not isinstance(name, str):
        return False
    try:
        targets = resolve(name, snapshot=configuration, user_id=caller.user_id).targets
    except LLMError:
        return False
    kinds = ((provider_types.get(each.provider.provider_type), each.model_id) for each in targets)
    return all(kind.wire_of(model_id) == "responses" for kind, model_id in kinds)


async def _count(request: GatewayRequest) -> None:
    asked, _ = await _read(request, compaction.opened(await request.body()))
    await request.check(asked.name)
    counted = await request.while_there(asked.name, client.acount_tokens(asked.call))
    how = b"estimated" if counted.estimated else b"provider"
    reply = {"object": "response.input_tokens", "input_tokens": counted.tokens}
    await request.reply(reply, headers=[(b"x-nodewise-counted-by", how)])


async def _compact(request: GatewayRequest) -> None:
    """Have the conversation summed up, for a client whose context gets too long."""
    body = compaction.opened(await request.body())
    asked, turns = await _read(request, compaction.asking(body))
    before = [item for turn in turns for item in turn.items]
    form = AnswerForm(
        lambda _, made: compaction.answer(asked, body, before, made),
        lambda _: ResponseEvents(asked),
    )
    await request.generate(asked, form)


async def _retrieve(request: GatewayRequest) -> None:
    query = _query(request)
    after = query.get("starting_after", "")
    if after and not (after.isdecimal() and len(after) < MAX_DIGITS):
        raise bad("starting_after", "It is an event's number.")
    turn = await stored_responses.find(_id(request), request.caller)
    if query.get("stream") != "true":
        await request.reply(turn.response)
        return
    events = response_replay.events_of(turn.response, int(after) if after else -1)
    await request.whole(200, events, list(STREAM_HEADERS))


async def _delete(request: GatewayRequest) -> None:
    wanted = _id(request)
    await stored_responses.delete(wanted, request.caller)
    await request.reply({"id": wanted, "object": "response", "deleted": True})


async def _cancel(request: GatewayRequest) -> None:
    """OpenAI's answer for a response that was not made in the background; none is here."""
    await stored_responses.find(_id(request), request.caller)
    raise RequestRefused(400, "invalid_value", "Cannot cancel a synchronous response.")


async def _input_items(request: GatewayRequest) -> None:
    """What the response answered, those of earlier turns too; the newest first by default."""
    query = _query(request)
    order, after = query.get("order", "desc"), query.get("after")
    limit = query.get("limit", str(DEFAULT_ITEMS))
    if order not in {"asc", "desc"}:
        raise bad("order", "It is asc or desc.")
    if not limit.isdecimal() or not 1 <= int(limit[:9]) <= MAX_ITEMS:
        raise bad("limit", f"It goes from 1 to {MAX_ITEMS}.")
    turns = await stored_responses.conversation(_id(request), request.caller)
    items = [response_items.complete(item) for turn in turns[:-1] for item in turn.items]
    items += [response_items.complete(item) for item in turns[-1].input_items]
    if order == "desc":
        items.reverse()
    if after is not None:
        places = [at for at, item in enumerate(items) if item["id"] == after]
        if not places:
            raise bad("after", "This response has no such item.")
        items = items[places[0] + 1 :]
    page = items[: int(limit)]
    await request.reply(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(page) < len(items),
        }
    )


def _id(request: GatewayRequest) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(PREFIX).partition("/")[0]


def _query(request: GatewayRequest) -> dict[str, str]:
    given = request.scope.get("query_string", b"").decode("latin-1")
    return {name: values[-1] for name, values in parse_qs(given).items()}


# By the whole path, or by what stands behind a response's id.
ACTIONS: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        f"{PREFIX}compact": {"POST": _compact},
        f"{PREFIX}input_tokens": {"POST": _count},
        "": {"GET": _retrieve, "DELETE": _delete},
        "cancel": {"POST": _cancel},
        "input_items": {"GET": _input_items},
    }
)
