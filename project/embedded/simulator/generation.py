"""What a model answers: one call from its request to its reply, with its faults and its bill."""

from __future__ import annotations

from dataclasses import replace

import orjson

from project.embedded.simulator import anthropic_api, garbage, openai_api
from project.embedded.simulator.batches import SimulatedOutcome
from project.embedded.simulator.calls import SimulatedAnswer, SimulatedCall
from project.embedded.simulator.dialects import ANTHROPIC, EMBEDDINGS, Dialect
from project.embedded.simulator.errors import BadControl, SimulatedRefusal
from project.embedded.simulator.faults import CONTENT_GARBAGE, FaultAction, Subject, read_action
from project.embedded.simulator.state import State
from project.embedded.simulator.stats import CallStats
from project.embedded.simulator.wire import HttpReply, JsonObject, Pending, Request

NO_ACTION = FaultAction()


def begin(state: State, request: Request, dialect: Dialect, request_id: str) -> Pending:
    """Let the call in, or refuse it; its answer is due after the latency."""
    call = read_call(state, request, request.json(), dialect)
    action = action_for(state, request, _subject(state, call))
    if not action.refuses:
        _check_model(state, call, dialect)
        _check_limits(state)
    generation = SimulatedGeneration(state, request, call, dialect, action, request_id)
    return Pending(
        delay_s=state.latency_s() + action.delay_ms / 1000,
        produce=generation.produce,
        finish=generation.finish,
        delivery=action.delivery,
    )


def read_call(state: State, request: Request, body: JsonObject, dialect: Dialect) -> SimulatedCall:
    """The call that a request's body asks for."""
    if dialect is ANTHROPIC:
        version = anthropic_api.check_version(request)
        return anthropic_api.read_message(request, body, seed=state.seed, version=version)
    read = openai_api.read_embeddings if dialect is EMBEDDINGS else openai_api.read_chat
    return read(request, body, seed=state.seed, model=_deployment(request.path))


def _deployment(path: str) -> str | None:
    """The model that an Azure path names."""
    parts = path.split("/")
    return parts[3] if path.startswith("/openai/deployments/") else None


def _subject(state: State, call: SimulatedCall) -> Subject:
    attempt = state.stats.arrived(call)
    return Subject(call.path, call.model, call.text, call.key, attempt, generates=True)


def action_for(state: State, request: Request, subject: Subject) -> FaultAction:
    """What goes wrong with this request: by its own header, else by the plan."""
    header = request.headers.get(b"x-sim-fault")
    action: FaultAction | None = None
    if header is not None:
        try:
            action = read_action(orjson.loads(header), "x-sim-fault")
        except (BadControl, orjson.JSONDecodeError) as error:
            raise SimulatedRefusal(400, f"x-sim-fault is not understood: {error}") from None
    elif state.plan is not None:
        action = state.plan.action(subject)
    if action is None:
        return NO_ACTION
    state.stats.by_fault[action.name] += 1
    return action


def _check_model(state: State, call: SimulatedCall, dialect: Dialect) -> None:
    if not state.controls.knows(call.model):
        raise dialect.unknown_model(call.model)
    model = state.controls.model(call.model)
    longest = max(map(len, call.inputs)) // 4 if call.inputs else call.prompt_tokens
    if model is not None and longest > model.context_window:
        raise dialect.too_long(model.context_window, longest)


def _check_limits(state: State) -> None:
    wait_s = state.stats.wait_s(state.controls)
    if wait_s:
        state.stats.limited += 1
        message = "Rate limit reached. Please slow down."
        raise SimulatedRefusal(429, message, retry_after=f"{wait_s:.3f}")


class SimulatedGeneration:
    """A call that was let in. It counts as in flight from now until `finish`."""

    __slots__ = (
        "_action",
        "_call",
        "_dialect",
        "_paid",
        "_request",
        "_request_id",
        "_state",
        "_stats",
    )

    def __init__(
        self,
        state: State,
        request: Request,
        call: SimulatedCall,
        dialect: Dialect,
        action: FaultAction,
        request_id: str,
    ) -> None:
        self._state = state
        self._request = request
        self._call = call
        self._dialect = dialect
        self._action = action
        self._request_id = request_id
        self._paid = False
        self._stats = state.stats  # after a reset, what was asked before counts no more
        state.stats.began()

    def produce(self) -> HttpReply:
        """Answer now; what is answered is billed, whether or not anybody still listens."""
        if self._action.refuses:
            return refused(self._request, self._dialect, self._action, self._request_id)
        try:
            answer = self._dialect.compose(self._call, self._state.controls)
            if self._state.controls.prompt_cache:
                self._state.prompt_cache.apply(self._call, answer)
            reply = self._reply(answer)
        except SimulatedRefusal as refusal:
            return self._dialect.refuse(refusal, self._request_id)
        self._stats.bill(self._call, answer)
        self._paid = True
        return reply

    def _reply(self, answer: SimulatedAnswer) -> HttpReply:
        if self._action is NO_ACTION:
            return self._dialect.write(self._call, answer, self._request_id)
        return _spoiled(self._call, answer, self._dialect, self._action, self._request_id)

    def finish(self, whole: bool) -> None:
        """The reply has left, or nobody will get it."""
        self._state.stats.in_flight -= 1
        if self._paid and not whole:
            self._stats.paid_lost += 1


def refused(request: Request, dialect: Dialect, action: FaultAction, request_id: str) -> HttpReply:
    """The reply of an action that yields no answer; a disconnect never shows it."""
    if action.garbage == "empty" or action.body == "empty":
        return HttpReply(action.status or 200, b"")
    if action.garbage == "html" or action.body == "html":
        return garbage.html_page(action.status or 200)
    reply = dialect.refuse(_refusal(request, action), request_id)
    if action.location is not None:
        reply.headers += ((b"location", action.location.encode()),)
    return reply


def _refusal(request: Request, action: FaultAction) -> SimulatedRefusal:
    status = action.status or (401 if action.echo_key else 503)
    message = action.message or f"The simulator was asked to answer {status}."
    if action.echo_key:
        message = f"Incorrect API key provided: {request.key()}."
    return SimulatedRefusal(status, message, code=action.code, retry_after=action.retry_after)


def _spoiled(
    call: SimulatedCall,
    answer: SimulatedAnswer,
    dialect: Dialect,
    action: FaultAction,
    request_id: str,
) -> HttpReply:
    if action.gzip_bomb_mb:
        return garbage.gzip_bomb(action.gzip_bomb_mb)
    if action.huge_mb:
        answer.text = garbage.huge_text(action.huge_mb)
    kind = action.garbage or ""
    answer.text = garbage.garbled_text(kind, answer.text)
    if kind and kind not in CONTENT_GARBAGE:
        headers = (dialect.id_header(request_id),)
        return garbage.garbled_body(kind, dialect.body(call, answer, request_id), headers)
    reply = dialect.write(call, answer, request_id)
    return garbage.with_lone_surrogate(reply) if kind == "surrogate" else reply


def answer_in_batch(
    state: State,
    begun_with: CallStats,
    request: Request,
    dialect: Dialect,
    custom_id: str,
    body: JsonObject,
) -> SimulatedOutcome:
    """One call of a batch, worked off by the provider itself: no latency, no limits."""
    if state.stats is not begun_with:  # after a reset, what was asked before counts no more
        state = replace(state, stats=begun_with, plan=None)
    request_id = f"{state.next_request_id()}-{custom_id}"
    try:
        call = replace(read_call(state, request, body, dialect), stream=False, batch=True)
        action = action_for(state, request, _subject(state, call))
        if action.refuses:
            raise _refusal(request, action)
        _check_model(state, call, dialect)
        answer = dialect.compose(call, state.controls)
    except SimulatedRefusal as refusal:
        said = dialect.error_body(refusal)
        return SimulatedOutcome(
            custom_id, "errored", refusal.status, said | {"request_id": request_id}
        )
    answer.text = garbage.garbled_text(action.garbage or "", answer.text)
    state.stats.bill(call, answer)
    return SimulatedOutcome(custom_id, "succeeded", 200, dialect.body(call, answer, request_id))
