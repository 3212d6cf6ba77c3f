"""What a provider keeps rather than generates: models, files and batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from project.embedded.simulator import (
    anthropic_api,
    anthropic_batches,
    openai_api,
    openai_batches,
)
from project.embedded.simulator.batches import Job, SimulatedOutcome, page_limit
from project.embedded.simulator.dialects import ANTHROPIC, EMBEDDINGS, OPENAI, Dialect
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.generation import answer_in_batch
from project.embedded.simulator.state import State
from project.embedded.simulator.wire import HttpReply, JsonObject, Request, json_reply

FILES = "/v1/files"
OPENAI_BATCHES = "/v1/batches"
ANTHROPIC_BATCHES = "/v1/messages/batches"
_JSONL = b"application/x-jsonl"


_Endpoint = Callable[[State, Request, str], HttpReply]


def serve(state: State, request: Request, dialect: Dialect) -> HttpReply:
    """The reply of the endpoint at this path; refuses an unknown path with 404."""
    found = _find(request.path)
    if found is None:
        raise SimulatedRefusal(404, f"Unknown request URL: {request.method} {request.path}.")
    methods, name = found
    endpoint = methods.get(request.method)
    if endpoint is None:
        allowed = ", ".join(methods)
        raise SimulatedRefusal(405, f"{request.method} is not allowed here; use {allowed}.")
    reply = endpoint(state, request, name)
    reply.headers += (dialect.id_header(state.next_request_id()),)
    return reply


def _find(path: str) -> tuple[dict[str, _Endpoint], str] | None:
    path = path.removesuffix("/")
    if path in _EXACT:
        return _EXACT[path], ""
    for prefix, suffix, methods in _NAMED:
        if path.startswith(prefix) and path.endswith(suffix):
            name = path[len(prefix) : len(path) - len(suffix)]
            if name and (prefix.endswith("models/") or "/" not in name):
                return methods, name
    return None


# Models


def _models(state: State, request: Request, _name: str) -> HttpReply:
    models = state.controls.models
    if b"anthropic-version" not in request.headers:
        entries = [openai_api.model_body(model) for model in models if not model.retired]
        return json_reply({"object": "list", "data": entries})
    entries = [anthropic_api.model_body(model) for model in models]
    ids = [model.id for model in models]
    after, limit = request.parameter("after_id"), page_limit(request.parameter("limit"))
    start = ids.index(after) + 1 if after in ids else 0
    page = entries[start : start + limit]
    return json_reply(_anthropic_page(page, has_more=len(entries) > start + limit))


def _openrouter_models(state: State, _request: Request, _name: str) -> HttpReply:
    models = state.controls.models
    bodies = [openai_api.openrouter_model_body(model, state.controls) for model in models]
    return json_reply({"data": bodies})


def _model(state: State, request: Request, name: str) -> HttpReply:
    anthropic = b"anthropic-version" in request.headers
    model = state.controls.model(name)
    if model is None or name in state.controls.unknown_models:
        raise (ANTHROPIC if anthropic else OPENAI).unknown_model(name)
    return json_reply((anthropic_api if anthropic else openai_api).model_body(model))


def _ollama_tags(state: State, _request: Request, _name: str) -> HttpReply:
    names = [model.id for model in state.controls.models]
    return json_reply({"models": [{"name": name, "model": name, "size": 0} for name in names]})


# Files


def _upload(state: State, request: Request, _name: str) -> HttpReply:
    return json_reply(state.files.upload(request).body())


def _list_files(state: State, _request: Request, _name: str) -> HttpReply:
    files = [file.body() for file in reversed(state.files.stored.values())]
    return json_reply({"object": "list", "data": files, "has_more": False})


def _file(state: State, _request: Request, name: str) -> HttpReply:
    return json_reply(state.files.find(name).body())


def _delete_file(state: State, _request: Request, name: str) -> HttpReply:
    state.files.delete(name)
    return json_reply({"id": name, "object": "file", "deleted": True})


def _file_content(state: State, _request: Request, name: str) -> HttpReply:
    return HttpReply(200, state.files.find(name).content, b"application/octet-stream")


# OpenAI's batches


def _create_openai_batch(state: State, request: Request, _name: str) -> HttpReply:
    body = request.json()
    file, endpoint = openai_batches.read_creation(body, state.files)
    requests, problems = openai_batches.read_lines(file.content, endpoint)
    model = requests[0][1].get("model") if requests else None
    if not problems and state.openai_jobs.full(state.controls.batch_queue):
        problems.append(openai_batches.queue_full(model))
    job = state.openai_jobs.add(
        requests,
        duration_s=lambda: state.controls.batch_ms / 1000,
        expire_at=state.controls.batch_expire_at,
        problems=problems,
        details={
            "endpoint": endpoint,
            "input_file_id": file.id,
            "metadata": body.get("metadata"),
            "model": model,
        },
        faults=state.controls.batch_faults,
    )
    dialect = EMBEDDINGS if endpoint.endswith("/embeddings") else OPENAI
    inner = _inner_request(request, endpoint)
    done = partial(openai_batches.store_results, job, state.files)
    _work_on(job, partial(answer_in_batch, state, state.stats, inner, dialect), done)
    return json_reply(openai_batches.batch_body(job))


def _list_openai_batches(state: State, request: Request, _name: str) -> HttpReply:
    limit = page_limit(request.parameter("limit"))
    jobs, more = state.openai_jobs.page(after=request.parameter("after"), limit=limit)
    bodies = [openai_batches.batch_body(job) for job in jobs]
    ends = {"first_id": bodies[0]["id"], "last_id": bodies[-1]["id"]} if bodies else {}
    return json_reply({"object": "list", "data": bodies, "has_more": more, **ends})


def _openai_batch(state: State, _request: Request, name: str) -> HttpReply:
    return json_reply(openai_batches.batch_body(state.openai_jobs.find(name)))


def _cancel_openai_batch(state: State, _request: Request, name: str) -> HttpReply:
    job = state.openai_jobs.find(name)
    if job.end is not None:
        raise SimulatedRefusal(409, f"Cannot cancel a batch with status '{job.end}'.")
    job.cancel()
    return json_reply(openai_batches.batch_body(job))


# Anthropic's batches


def _create_anthropic_batch(state: State, request: Request, _name: str) -> HttpReply:
    anthropic_api.check_version(request)
    if state.anthropic_jobs.full(state.controls.batch_queue):
        raise SimulatedRefusal(429, "Too many batch requests are in the processing queue.")
    job = state.anthropic_jobs.add(
        anthropic_batches.read_creation(request.json()),
        duration_s=lambda: state.controls.batch_ms / 1000,
        expire_at=state.controls.batch_expire_at,
        details={},
        faults=state.controls.batch_faults,
    )
    inner = _inner_request(request, "/v1/messages")
    _work_on(job, partial(answer_in_batch, state, state.stats, inner, ANTHROPIC), lambda: None)
    return json_reply(anthropic_batches.batch_body(job, request.origin()))


def _list_anthropic_batches(state: State, request: Request, _name: str) -> HttpReply:
    limit = page_limit(request.parameter("limit"))
    jobs, more = state.anthropic_jobs.page(after=request.parameter("after_id"), limit=limit)
    bodies = [anthropic_batches.batch_body(job, request.origin()) for job in jobs]
    return json_reply(_anthropic_page(bodies, has_more=more))


def _anthropic_page(bodies: list[JsonObject], *, has_more: bool) -> JsonObject:
    first, last = (bodies[0]["id"], bodies[-1]["id"]) if bodies else (None, None)
    return {"data": bodies, "has_more": has_more, "first_id": first, "last_id": last}


def _anthropic_batch(state: State, request: Request, name: str) -> HttpReply:
    job = state.anthropic_jobs.find(name)
    return json_reply(anthropic_batches.batch_body(job, request.origin()))


def _anthropic_results(state: State, _request: Request, name: str) -> HttpReply:
    return HttpReply(200, anthropic_batches.results(state.anthropic_jobs.find(name)), _JSONL)


def _cancel_anthropic_batch(state: State, request: Request, name: str) -> HttpReply:
    job = state.anthropic_jobs.find(name)
    job.cancel()
    return json_reply(anthropic_batches.batch_body(job, request.origin()))


def _inner_request(request: Request, path: str) -> Request:
    """What stands for each call of a batch: the sender's headers, without those of one call."""
    single = (b"x-request-key", b"x-sim-fault")
    headers = {name: value for name, value in request.headers.items() if name not in single}
    return Request("POST", path, "", headers, b"")


def _work_on(
    job: Job, answer: Callable[[str, JsonObject], SimulatedOutcome], done: Callable[[], None]
) -> None:
    """Advance the batch turn by turn until it has ended."""
    job.advance(answer)
    if job.end is not None:
        done()
        return
    loop = asyncio.get_running_loop()
    loop.call_later(job.turn_s, _work_on, job, answer, done)


_EXACT: dict[str, dict[str, _Endpoint]] = {
    "/v1/models": {"GET": _models},
    "/api/v1/models": {"GET": _openrouter_models},
    "/api/tags": {"GET": _ollama_tags},
    FILES: {"POST": _upload, "GET": _list_files},
    OPENAI_BATCHES: {"POST": _create_openai_batch, "GET": _list_openai_batches},
    ANTHROPIC_BATCHES: {"POST": _create_anthropic_batch, "GET": _list_anthropic_batches},
}
# Prefix, suffix and methods of paths with an id in them; the longer ones first.
_NAMED: tuple[tuple[str, str, dict[str, _Endpoint]], ...] = (
    ("/v1/models/", "", {"GET": _model}),
    (f"{FILES}/", "/content", {"GET": _file_content}),
    (f"{FILES}/", "", {"GET": _file, "DELETE": _delete_file}),
    (f"{OPENAI_BATCHES}/", "/cancel", {"POST": _cancel_openai_batch}),
    (f"{OPENAI_BATCHES}/", "", {"GET": _openai_batch}),
    (f"{ANTHROPIC_BATCHES}/", "/results", {"GET": _anthropic_results}),
    (f"{ANTHROPIC_BATCHES}/", "/cancel", {"POST": _cancel_anthropic_batch}),
    (f"{ANTHROPIC_BATCHES}/", "", {"GET": _anthropic_batch}),
)
