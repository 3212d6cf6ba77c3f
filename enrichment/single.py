"""One row, or one text, at once: the caller waits and gets the value or the reason."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from enrichment.batches import creation
from enrichment.engine import writing
from enrichment.engine.items import (
    GONE,
    Item,
    Outcome,
    answer_all,
    call_for,
    failed,
    judged,
    load_items,
)
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment, Judgement
from enrichment.enrichments.listing_text import plain
from enrichment.enrichments.translation import Translation, checked_language, language_name
from enrichment.errors import BadSelection
from enrichment.models import ResultState
from enrichment.prompts.selection import PromptsInForce
from enrichment.quality_report import told_of, told_of_failure
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Labels
from metrics.quality.parts import CheckResults
from metrics.recording import record_call

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SingleResult:
    """What became of the row; `value` is None unless there was an answer."""

    state: ResultState
    value: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Translated:
    """The translation, or the original text with the reason why there is none."""

    text: str
    reason: str


def enrich_row(
    name: str, row_id: int | str, *, variant: str = "", user: User | None = None
) -> SingleResult:
    """Enrich one row now; when that fails the row stays as it was.

    Raises UnknownEnrichment, FeatureOff, BadSelection for a row that doesn't exist or a missing
    language, and llmconfig's ConfigurationError when no call can be made.
    """
    enrichment = get(name)
    creation.check_allowed(enrichment)
    creation.check_writes(enrichment)
    creation.check_variant(enrichment, variant)
    key = str(enrichment.checked_key(row_id))
    item = next(load_items(enrichment, [key], variant=variant))
    if item.reason == GONE:
        raise BadSelection(f"animal_id: there is no row {row_id}.", field="animal_id")
    outcome = _outcome(enrichment, item, user)
    with transaction.atomic(), connection.cursor() as cursor:
        writing.store(cursor, enrichment, [outcome], batch_id=None)
    return SingleResult(outcome.state, outcome.value, outcome.reason)


def _outcome(enrichment: Enrichment, item: Item, user: User | None) -> Outcome:
    if item.settled is not None:
        return Outcome(item, item.settled, reason=item.reason)
    found = answer_all([item])[0]
    if isinstance(found, Outcome):
        return found
    item = found
    told: list[tuple[CallRecord, Texts]] = []
    call = call_for(enrichment, item, session_id=None, user_id=user.pk if user else None)
    try:
        answer = client.generate(call, collect=lambda *pair: told.append(pair))
    except GenerationFailed as failure:
        return failed(enrichment, item, failure, told[0][1] if told else None)
    return judged(enrichment, item, answer, told[0][1] if told else None)


def translate_text(
    text: str,
    *,
    target_language: str,
    source_language: str = "",
    user: User | None = None,
) -> Translated:
    """Translate a text that is in no table; a failure gives the original back, with the reason.

    Raises FeatureOff, BadSelection for a bad language, ConfigurationError when nothing can answer.
    """
    enrichment = get(Translation.name)
    creation.check_allowed(enrichment)
    checked_language(target_language)
    if source_language:
        checked_language(source_language, field="source_language")
    cleaned = plain(text)
    if not cleaned:
        return Translated(text, "There is no text to translate.")
    values = {"name": "", "text": cleaned, "language": language_name(target_language)}
    prompt = PromptsInForce(enrichment).of(None)
    call = Call(
        node=enrichment.node,
        messages=prompt.messages(dict.fromkeys(prompt.fact_names, "") | values),
        user_id=user.pk if user else None,
        labels=Labels(
            service_name="enrichment",
            operation_type=enrichment.name,
            prompt_version=prompt.version,
        ),
    )
    try:
        found = ask(enrichment, call, values, variant=target_language)
    except GenerationFailed as failure:
        return Translated(text, str(failure))
    return Translated(text, found.reason) if found.findings else Translated(found.value, "")


def ask(
    enrichment: Enrichment,
    call: Call,
    values: Mapping[str, str],
    *,
    variant: str = "",
    floor: float = 0.0,
    columns: Mapping[str, Any] | None = None,
) -> Judgement:
    """Call and judge, where nothing is written to a row; the record tells what the gates found.

    Raises GenerationFailed and ConfigurationError.
    """
    told: list[tuple[CallRecord, Texts]] = []
    try:
        answer = client.generate(call, collect=lambda *pair: told.append(pair))
    except GenerationFailed as failure:
        _record(told, told_of_failure(enrichment, failure.record, str(failure)))
        raise
    found = enrichment.judge(answer, values, variant=variant, floor=floor, columns=columns or {})
    _record(told, told_of(enrichment, found))
    return found


def _record(calls: Iterable[tuple[CallRecord, Texts]], findings: CheckResults) -> None:
    """At once; a failure is logged and never fails the call."""
    for record, texts in calls:
        try:
            record_call(record, texts, findings)
        except DatabaseError:
            logger.exception("The record of call %s could not be stored.", record.correlation_id)
