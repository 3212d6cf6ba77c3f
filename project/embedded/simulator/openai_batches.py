"""OpenAI's Batch API: JSONL in, an output and an error file out."""

from __future__ import annotations

from collections import Counter

import orjson

from project.embedded.simulator.batch_faults import spoiled
from project.embedded.simulator.batches import DAY_S, Job, SimulatedOutcome
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.files import Files, StoredFile
from project.embedded.simulator.wire import JsonObject

ENDPOINTS = ("/v1/chat/completions", "/v1/embeddings")
MAX_REQUESTS = 50_000
_STATUS = {
    "checking": "validating",
    "working": "in_progress",
    "writing": "finalizing",
    "canceling": "cancelling",
    "failed": "failed",
}
_ENDED = {"completed": "completed", "canceled": "cancelled", "expired": "expired"}


def read_creation(body: JsonObject, files: Files) -> tuple[StoredFile, str]:
    """The input file and the endpoint of a new batch."""
    endpoint = body.get("endpoint")
    if endpoint not in ENDPOINTS:
        raise SimulatedRefusal(
            400, f"endpoint must be one of {', '.join(ENDPOINTS)}", param="endpoint"
        )
    if body.get("completion_window") != "24h":
        raise SimulatedRefusal(400, "completion_window must be 24h", param="completion_window")
    file = files.find(str(body.get("input_file_id")))
    if file.purpose != "batch":
        raise SimulatedRefusal(
            400, f"File {file.id} has not the purpose 'batch'.", param="input_file_id"
        )
    return file, str(endpoint)


def read_lines(
    content: bytes, endpoint: str
) -> tuple[list[tuple[str, JsonObject]], list[JsonObject]]:
    """The requests of an input file, and what is wrong with its lines (from 1)."""
    requests: list[tuple[str, JsonObject]] = []
    problems: list[JsonObject] = []
    models: set[object] = set()
    seen: set[str] = set()
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        problem = _line_problem(line, endpoint, seen, models, requests)
        if problem:
            code, message = problem
            problems.append({"code": code, "line": number, "message": message, "param": None})
    if not requests and not problems:
        problems.append(_file_problem("empty_file", "The input file holds no requests."))
    if len(requests) > MAX_REQUESTS:
        problems.append(
            _file_problem("too_many_tasks", f"At most {MAX_REQUESTS} requests fit in a batch.")
        )
    return requests, problems


def _file_problem(code: str, message: str) -> JsonObject:
    return {"code": code, "line": None, "message": message, "param": None}


def _line_problem(
    line: bytes,
    endpoint: str,
    seen: set[str],
    models: set[object],
    requests: list[tuple[str, JsonObject]],
) -> tuple[str, str] | None:
    """The code and message of what is wrong; a good line joins the requests."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "invalid_json_line", "This line is not parseable as valid JSON."
    fields = entry if isinstance(entry, dict) else {}
    custom_id, body = fields.get("custom_id"), fields.get("body")
    if not isinstance(body, dict) or not isinstance(custom_id, str) or not custom_id:
        return "missing_required_parameter", "Each line needs a custom_id and a body."
    if custom_id in seen:
        return "duplicate_custom_id", f"The custom_id '{custom_id}' was used before."
    if fields.get("method") != "POST" or fields.get("url") != endpoint:
        return "mismatched_endpoint", f"Each line must be POST {endpoint}."
    models.add(str(body.get("model")))
    if len(models) > 1:
        return "mismatched_model", "All requests of a batch must name the same model."
    seen.add(custom_id)
    requests.append((custom_id, body))
    return None


def store_results(job: Job, files: Files) -> None:
    """Write the files of an ended batch, once; a file without lines is not written."""
    if job.end in (None, "failed") or "stored" in job.details:
        return
    job.details["stored"] = True
    good = [outcome for outcome in job.outcomes if outcome.fate == "succeeded"]
    # What was cancelled is in neither file.
    bad = [outcome for outcome in job.outcomes if outcome.fate in ("errored", "expired")]
    for name, outcomes in (("output", good), ("error", bad)):
        if outcomes:
            content = b"".join(_result_line(job, outcome) for outcome in outcomes)
            content = spoiled(job.faults, content) if name == "output" else content
            filename = f"{job.id}_{name}.jsonl"
            file = files.keep(filename=filename, purpose="batch_output", content=content)
            job.details[f"{name}_file_id"] = file.id


def _result_line(job: Job, outcome: SimulatedOutcome) -> bytes:
    response, error = None, None
    if outcome.body is None:
        message = "This request could not be executed before the completion window expired."
        error = {"code": "batch_expired", "message": message}
    else:
        request_id = f"{job.id}-{outcome.custom_id}"
        response = {
            "status_code": outcome.status,
            "request_id": request_id,
            "body": outcome.body,
        }
    line = {
        "id": f"batch_req_{outcome.custom_id}",
        "custom_id": outcome.custom_id,
        "response": response,
        "error": error,
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def batch_body(job: Job) -> JsonObject:
    """The batch as the API describes it."""
    counts = job.counts()
    failed = job.end == "failed"
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": job.details["endpoint"],
        "model": None if failed else job.details["model"],
        "errors": {"object": "list", "data": job.problems} if failed else None,
        "input_file_id": job.details["input_file_id"],
        "completion_window": "24h",
        "status": _ENDED.get(job.end or "") or _STATUS[job.phase],
        "output_file_id": _file_id(job, "output_file_id"),
        "error_file_id": _file_id(job, "error_file_id"),
        "created_at": int(job.created_at),
        "expires_at": int(job.created_at) + DAY_S,
        **_times(job),
        "request_counts": _request_counts(job, counts),
        "usage": _usage(job),
        "metadata": job.details["metadata"],
    }


def queue_full(model: object) -> JsonObject:
    """What a batch fails with while those before it have too many tokens."""
    return _file_problem(
        "token_limit_exceeded",
        f"Enqueued token limit reached for {model}. Limit: 90,000 enqueued tokens. Please try again"
        " once some in_progress batches have been completed.",
    )


def _file_id(job: Job, name: str) -> str | None:
    found = job.details.get(name)
    return "" if found and "blank_file_ids" in job.faults else found


def _request_counts(job: Job, counts: Counter[str]) -> JsonObject:
    return {
        "total": 0 if job.phase in ("checking", "failed") else len(job.requests),
        "completed": counts["succeeded"] + ("wrong_counts" in job.faults),
        "failed": counts["errored"] + counts["expired"],
    }


def _times(job: Job) -> JsonObject:
    ended = {f"{_ENDED[job.end]}_at": "ended"} if job.end in _ENDED else {}
    phases = {
        "in_progress_at": "working",
        "finalizing_at": "writing",
        "cancelling_at": "canceling",
        "failed_at": "failed",
        **ended,
    }
    return {name: int(job.times[phase]) for name, phase in phases.items() if phase in job.times}


def _usage(job: Job) -> JsonObject | None:
    bodies = [outcome.body or {} for outcome in job.outcomes]
    used = [body["usage"] for body in bodies if "usage" in body]
    if job.end is None or not used:
        return None
    read = sum(usage["prompt_tokens"] for usage in used)
    written = sum(usage.get("completion_tokens", 0) for usage in used)
    details = [usage.get("prompt_tokens_details", {}) for usage in used]
    thought = [usage.get("completion_tokens_details", {}) for usage in used]
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": sum(d.get("cached_tokens", 0) for d in details)},
        "output_tokens": written,
        "output_tokens_details": {
            "reasoning_tokens": sum(d.get("reasoning_tokens", 0) for d in thought)
        },
        "total_tokens": read + written,
    }
