"""The simulated provider: what each request gets, knowing nothing of sockets."""

from __future__ import annotations

import hmac
import sys
import traceback
from functools import partial

from project.embedded.simulator import generation, resources
from project.embedded.simulator.dialects import ANTHROPIC, EMBEDDINGS, OPENAI, Dialect
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.faults import FaultAction, Subject
from project.embedded.simulator.state import State
from project.embedded.simulator.steering import steer
from project.embedded.simulator.wire import HttpReply, Pending, Request

TRACES = "/v1/traces"
_GENERATING = {
    "/v1/chat/completions": OPENAI,
    "/api/v1/chat/completions": OPENAI,
    "/v1/embeddings": EMBEDDINGS,
    "/api/v1/embeddings": EMBEDDINGS,
    "/v1/messages": ANTHROPIC,
}


def handle(state: State, request: Request) -> HttpReply | Pending:
    """The reply, now or when it is due; whatever a hostile body brings, it does not raise."""
    if request.path.startswith("/_"):
        return steer(state, request)
    state.stats.requests += 1
    state.stats.by_path[request.path] += 1
    dialect = _GENERATING.get(request.path) or _azure(request.path)
    try:
        _authorize(state, request)
        if dialect is not None and request.method == "POST":
            return generation.begin(state, request, dialect, state.next_request_id())
        return _serve(state, request)
    except SimulatedRefusal as refusal:
        return (dialect or _vendor(request)).refuse(refusal, state.next_request_id())
    except Exception:  # noqa: BLE001 - one bad request must not end the server
        traceback.print_exc(file=sys.stderr)
        failure = SimulatedRefusal(500, "The simulator failed here; its own output says how.")
        return (dialect or _vendor(request)).refuse(failure, state.next_request_id())


def _azure(path: str) -> Dialect | None:
    if not path.startswith("/openai/deployments/"):
        return None
    parts = path.split("/", 4)
    return {"chat/completions": OPENAI, "embeddings": EMBEDDINGS}.get(parts[-1])


def _vendor(request: Request) -> Dialect:
    return ANTHROPIC if b"anthropic-version" in request.headers else OPENAI


def _authorize(state: State, request: Request) -> None:
    if state.api_key is None:
        return
    given = request.key().encode("utf-8", "replace")
    if not hmac.compare_digest(given, state.api_key.encode()):
        raise SimulatedRefusal(401, "Incorrect API key provided.")


def _serve(state: State, request: Request) -> HttpReply | Pending:
    """Models, files, batches and traces; faults reach them only by their path."""
    dialect = _vendor(request)
    action = generation.action_for(state, request, Subject(request.path))
    if action is generation.NO_ACTION:
        return _resource(state, request, dialect)
    return Pending(
        delay_s=action.delay_ms / 1000,
        produce=partial(_faulty, state, request, dialect, action),
        finish=lambda whole: None,  # noqa: ARG005 - nothing here is billed
        delivery=action.delivery,
    )


def _faulty(state: State, request: Request, dialect: Dialect, action: FaultAction) -> HttpReply:
    if action.refuses:
        return generation.refused(request, dialect, action, state.next_request_id())
    try:
        return _resource(state, request, dialect)
    except SimulatedRefusal as refusal:
        return dialect.refuse(refusal, state.next_request_id())


def _resource(state: State, request: Request, dialect: Dialect) -> HttpReply:
    if request.path == TRACES and request.method == "POST":
        return _keep_trace(state, request)
    return resources.serve(state, request, dialect)


def _keep_trace(state: State, request: Request) -> HttpReply:
    headers = {name.decode("latin-1"): request.header(name) for name in request.headers}
    state.traces.received += 1
    state.traces.bodies.append((headers, request.body))
    return HttpReply(200, b"", b"application/x-protobuf")
