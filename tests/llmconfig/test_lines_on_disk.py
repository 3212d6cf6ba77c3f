"""A record's line on disk says all that it has, no digit lost, and reads back."""

import datetime as dt
import json
from decimal import Decimal
from uuid import UUID

import pytest

from llmconfig.client.recording.disk_format import line_of, read_line
from llmconfig.client.types import Attempt, CallRecord, Labels, Usage, UsageDetails
from llmconfig.runtime.records import field_names, replace

USAGE = Usage(input=100, output=20)
ATTEMPT = Attempt(
    "openai", "gpt-4o", "ok", 12.5, 200, usage=USAGE, cost_usd=Decimal("0.0010"), paid=True
)
RECORD = CallRecord(
    created_at=dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC),
    correlation_id=UUID(int=1),
    node="tags",
    interaction_type="enricher",
    labels=Labels(session_id=UUID(int=2), tags=("a", "b"), metadata={"shelter": "north"}),
    user_id=None,
    provider="openai",
    model="gpt-4o",
    tier="",
    usage=USAGE,
    cost_usd=Decimal("0.0010"),
    latency_ms=12.5,
    finish_reason="stop",
    truncated=False,
    prompt_length=400,
    response_length=80,
    error_code="",
    attempts=(ATTEMPT,),
    dropped_params=(),
    config_revision=3,
)
KINDS = {
    "usual": RECORD,
    "never asked": replace(RECORD, attempts=(), cost_usd=None, usage=Usage()),
    "free": replace(RECORD, cost_usd=Decimal(0), saved_usd=Decimal("0E-10")),
    "asked again": replace(RECORD, attempts=(replace(ATTEMPT, moved_on="retry"), ATTEMPT)),
    "details": replace(RECORD, usage=replace(USAGE, details=UsageDetails(audio_input=7))),
}


@pytest.mark.parametrize("record", KINDS.values(), ids=KINDS)
def test_a_line_says_all_and_is_read_back(record):
    line = line_of(record)
    said = json.loads(line)
    assert tuple(said) == field_names(record)
    assert said["cost_usd"] == (None if record.cost_usd is None else str(record.cost_usd))
    assert said["labels"]["tags"] == ["a", "b"]
    assert line.index(b"\n") == len(line) - 1
    assert read_line(CallRecord, line) == record


def test_a_text_that_is_no_unicode_has_a_line_as_well():
    record = replace(RECORD, node="half a pair \ud800")
    assert read_line(CallRecord, line_of(record)) == record
