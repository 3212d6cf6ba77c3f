"""One provider under several names: how each vendor words errors and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from project.embedded.simulator import anthropic_api, openai_api
from project.embedded.simulator.answers import compose
from project.embedded.simulator.calls import SimulatedAnswer, SimulatedCall
from project.embedded.simulator.controls import Controls
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.wire import Header, HttpReply, JsonObject, json_reply


@dataclass(frozen=True, slots=True)
class Dialect:
    """The shapes of one vendor's API."""

    id_header: Callable[[str], Header]
    error_body: Callable[[SimulatedRefusal], JsonObject]
    unknown_model: Callable[[str], SimulatedRefusal]
    too_long: Callable[[int, int], SimulatedRefusal]
    compose: Callable[[SimulatedCall, Controls], SimulatedAnswer]
    write: Callable[[SimulatedCall, SimulatedAnswer, str], HttpReply]
    body: Callable[[SimulatedCall, SimulatedAnswer, str], JsonObject]

    def refuse(self, refusal: SimulatedRefusal, request_id: str) -> HttpReply:
        headers = [self.id_header(request_id)]
        if refusal.retry_after is not None:
            headers.append((b"retry-after", refusal.retry_after.encode()))
        return json_reply(self.error_body(refusal), refusal.status, tuple(headers))


def _embeddings_body(call: SimulatedCall, answer: SimulatedAnswer, _request_id: str) -> JsonObject:
    return openai_api.embeddings_body(call, answer)


def _write_embeddings(call: SimulatedCall, answer: SimulatedAnswer, request_id: str) -> HttpReply:
    header = openai_api.request_id_header(request_id)
    return json_reply(openai_api.embeddings_body(call, answer), headers=(header,))


OPENAI = Dialect(
    id_header=openai_api.request_id_header,
    error_body=openai_api.error_body,
    unknown_model=openai_api.unknown_model,
    too_long=openai_api.too_long,
    compose=compose,
    write=openai_api.write_chat,
    body=openai_api.chat_body,
)
EMBEDDINGS = replace(
    OPENAI,
    compose=openai_api.embeddings_answer,
    write=_write_embeddings,
    body=_embeddings_body,
)
ANTHROPIC = Dialect(
    id_header=anthropic_api.request_id_header,
    error_body=anthropic_api.error_body,
    unknown_model=anthropic_api.unknown_model,
    too_long=anthropic_api.too_long,
    compose=compose,
    write=anthropic_api.write_message,
    body=anthropic_api.message_body,
)
