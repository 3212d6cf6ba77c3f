"""The paths that steer the simulator itself: /_control, /_plan, /_stats, /_reset, /_otlp."""

from __future__ import annotations

import base64

from project.embedded.simulator.controls import adjusted
from project.embedded.simulator.errors import BadControl, SimulatedRefusal
from project.embedded.simulator.faults import read_plan
from project.embedded.simulator.state import State
from project.embedded.simulator.wire import HttpReply, JsonObject, Request, json_reply

_KNOWN = "GET /_stats, GET|POST /_control, POST /_plan, POST /_reset, GET /_otlp"


def steer(state: State, request: Request) -> HttpReply:
    """Do what is asked, or say what is not understood (400)."""
    try:
        return _steer(state, request)
    except (BadControl, SimulatedRefusal) as error:
        return json_reply({"error": str(error)}, 400)


def _steer(state: State, request: Request) -> HttpReply:
    done: JsonObject = {"ok": True}
    match request.method, request.path:
        case "GET", "/_stats":
            done = state.stats.report(state.controls, keys=request.parameter("keys") == "1")
        case "GET", "/_control":
            done = state.controls.as_json()
        case "POST", "/_control":
            state.controls = adjusted(state.controls, request.json())
            done = state.controls.as_json()
        case "POST", "/_plan":
            state.plan = read_plan(request.json(), state.seed)
        case "POST", "/_reset":
            state.reset()
        case "GET", "/_otlp":
            done = _traces(state)
        case _:
            message = f"nothing at {request.method} {request.path}; known: {_KNOWN}"
            return json_reply({"error": message}, 404)
    return json_reply(done)


def _traces(state: State) -> JsonObject:
    """How many exports came, and the last ones with their headers; bodies in base64."""
    bodies = [
        {"headers": headers, "body": base64.b64encode(body).decode()}
        for headers, body in state.traces.bodies
    ]
    return {"received": state.traces.received, "last": bodies}
