"""Call records as the client makes them."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Attempt, CallRecord, Labels, Usage

BATCH = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
TEXTS = Texts(prompt="Clean this: a dog.", answer="A dog.")
USAGE = Usage(input=800, cached_input=100, cache_write=50, output=200, reasoning=15)
REFUSED = Attempt(
    provider="openai",
    model="gpt-4o",
    outcome="http_429",
    latency_ms=20.5,
    status=429,
    moved_on="fallback",
    retry_after_s=2.0,
    detail="Slow down.",
)
ANSWERED = Attempt(
    provider="openrouter",
    model="qwen-32b",
    outcome="ok",
    latency_ms=210.25,
    status=200,
    usage=USAGE,
    cost_usd=Decimal("0.0000001"),
    paid=True,
    request_id="req-1",
)


def a_record(**changes: Any) -> CallRecord:
    facts: dict[str, Any] = {
        "created_at": dt.datetime.now(dt.UTC),
        "correlation_id": uuid4(),
        "node": "description_cleaning",
        "interaction_type": "enricher",
        "labels": Labels("enrichment", "description_cleaning", BATCH, 7, prompt_version=4),
        "user_id": 3,
        "provider": "openrouter",
        "model": "qwen-32b",
        "tier": "cloud_fast",
        "usage": USAGE,
        "cost_usd": Decimal("0.0000001"),
        "latency_ms": 231.0,
        "finish_reason": "stop",
        "truncated": False,
        "prompt_length": 18,
        "response_length": 6,
        "error_code": "",
        "attempts": (REFUSED, ANSWERED),
        "dropped_params": ("temperature",),
        "config_revision": 12,
        "experiment": "short-answers",
        "experiment_arm": "control",
    }
    return CallRecord(**(facts | changes))
