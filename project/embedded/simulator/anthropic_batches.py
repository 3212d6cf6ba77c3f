"""Anthropic's Message Batches API: requests in the body, one JSONL of results."""

from __future__ import annotations

import datetime as dt
import re

import orjson

from project.embedded.simulator.batch_faults import spoiled
from project.embedded.simulator.batches import DAY_S, Job, SimulatedOutcome
from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.wire import JsonObject

MAX_REQUESTS = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def read_creation(body: JsonObject) -> list[tuple[str, JsonObject]]:
    """The requests of a new batch with their own ids."""
    entries = body.get("requests")
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_REQUESTS:
        raise SimulatedRefusal(400, f"requests: must hold 1 to {MAX_REQUESTS} entries")
    requests: dict[str, JsonObject] = {}
    for number, entry in enumerate(entries):
        custom_id = entry.get("custom_id") if isinstance(entry, dict) else None
        if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
            message = f"requests.{number}.custom_id: must match ^{_CUSTOM_ID.pattern}$"
            raise SimulatedRefusal(400, message)
        if custom_id in requests:
            raise SimulatedRefusal(400, f"requests.{number}.custom_id: {custom_id} was used before")
        if not isinstance(entry.get("params"), dict):
            raise SimulatedRefusal(400, f"requests.{number}.params: Field required")
        requests[custom_id] = entry["params"]
    return list(requests.items())


def batch_body(job: Job, origin: str) -> JsonObject:
    """The batch as the API describes it; counts are told only at the end."""
    counts = job.counts()
    ended, wrong = job.end is not None, "wrong_counts" in job.faults
    status = "ended" if ended else "canceling" if job.phase == "canceling" else "in_progress"
    fates = ("succeeded", "errored", "canceled", "expired")
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {
            "processing": 0 if ended else len(job.requests),
            **{fate: counts[fate] if ended else 0 for fate in fates},
            **({"succeeded": counts["succeeded"] + 1} if ended and wrong else {}),
        },
        "created_at": _moment(job.created_at),
        "expires_at": _moment(job.created_at + DAY_S),
        "ended_at": _moment(job.times["ended"]) if ended else None,
        "cancel_initiated_at": _moment(job.times.get("canceling")),
        "archived_at": None,
        "results_url": f"{origin}/v1/messages/batches/{job.id}/results" if ended else None,
    }


def results(job: Job) -> bytes:
    """The JSONL of an ended batch; refuses before that."""
    if job.end is None:
        raise SimulatedRefusal(
            400, f"Batch {job.id} has not ended; its results are not yet available."
        )
    content = b"".join(
        orjson.dumps(
            {"custom_id": outcome.custom_id, "result": _result(outcome)},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for outcome in job.outcomes
    )
    return spoiled(job.faults, content)


def _result(outcome: SimulatedOutcome) -> JsonObject:
    if outcome.fate == "succeeded":
        return {"type": "succeeded", "message": outcome.body}
    if outcome.fate == "errored":
        return {"type": "errored", "error": outcome.body}
    return {"type": outcome.fate}


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")
