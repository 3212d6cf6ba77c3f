"""Call records to rows: one at once, or many by COPY inside the caller's transaction.

Whatever a provider or a row of the customer's table says must be storable: one hostile text would
otherwise fail the write of a whole batch, again and again.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from llmconfig import project_settings
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord
from llmconfig.configuration.facts import UserKey
from llmconfig.configuration.process_settings import effective
from llmconfig.runtime import database_clock
from metrics.binary_sql import copy_rows, ready_json, ready_uuid
from metrics.quality import rules
from metrics.quality.parts import CheckResults, ScorePart, score
from metrics.quality.rules import Rules
from metrics.storable import (
    attempts_json,
    fitting,
    object_json,
    parts_json,
    storable,
    storable_cost,
    storable_latency,
    storable_usage,
)

logger = logging.getLogger(__name__)
NO_RESULTS = CheckResults()
NO_CHECKS: Mapping[UUID, CheckResults] = MappingProxyType({})
# Column and type, in the order of `_metric_row`; the rest has the database's defaults. Ids are the
# records' own, in the order of time: random ones dirty another page of their index with each row.
METRIC_COLUMNS = (
    ("id", "uuid"),
    ("created_at", "timestamptz"),
    ("correlation_id", "uuid"),
    ("session_id", "uuid"),
    ("node_type", "text"),
    ("service_name", "text"),
    ("method_name", "text"),
    ("operation_type", "text"),
    ("tier", "text"),
    ("provider", "text"),
    ("model_used", "text"),
    ("tokens_input", "int4"),
    ("tokens_output", "int4"),
    ("tokens_total", "int4"),
    ("tokens_cached_input", "int4"),
    ("tokens_cache_write", "int4"),
    ("tokens_reasoning", "int4"),
    ("latency_ms", "float8"),
    ("cost_usd", "numeric"),
    ("finish_reason", "text"),
    ("truncated", "bool"),
    ("prompt_length", "int4"),
    ("response_length", "int4"),
    ("error_code", "text"),
    ("attempts", "jsonb"),
    ("dropped_params", "jsonb"),
    ("config_revision", "int8"),
    ("organization_id", "int8"),
    ("user_id", "int8"),
    ("user_key", "text"),
    ("cache_hit", "bool"),
    ("saved_usd", "numeric"),
    ("experiment", "text"),
    ("experiment_arm", "text"),
    ("prompt_version", "int4"),
    ("syntax_valid", "bool"),
    ("account", "text"),
    ("end_user", "text"),
    ("tags", "text[]"),
    ("metadata", "jsonb"),
    ("tool_calls", "text[]"),
    ("tool_results_length", "int4"),
)
# The same for `_history_row`.
HISTORY_COLUMNS = (
    ("id", "uuid"),
    ("created_at", "timestamptz"),
    ("correlation_id", "uuid"),
    ("node_type", "text"),
    ("method_name", "text"),
    ("prompt_text", "text"),
    ("generated_code", "text"),
    ("validation_passed", "bool"),
    ("quality_score", "float8"),
    ("quality_parts", "jsonb"),
    ("account", "text"),
    ("end_user", "text"),
    ("tags", "text[]"),
    ("tool_calls", "jsonb"),
)
USUAL_WORDS = (
    "node_type",
    "service_name",
    "method_name",
    "operation_type",
    "tier",
    "provider",
    "model_used",
)
NO_PARAMETERS = ready_json(b"[]")
WAITING_COLUMNS = (
    ("correlation_id", "uuid"),
    ("created_at", "timestamptz"),
    ("operation_type", "text"),
)
# Records that the database refused, perhaps for being there already.
_in_doubt: set[UUID] = set()
MAX_IN_DOUBT = 100_000
MAX_LENGTH = 2**31 - 1  # what an integer column holds


def record_call(
    record: CallRecord, texts: Texts, found_by_checks: CheckResults = NO_RESULTS
) -> None:
    """Write one call at once, if it isn't stored; in a caller's transaction, as part of that.

    `found_by_checks` is what the caller's own checks found in the answer.

    When the server dropped the connection while this process waited for the model, Django has
    replaced it by the end of the failed write, and the second one takes the new connection.
    """
    used = connection.connection
    try:
        _write_once([(record, texts)], {record.correlation_id: found_by_checks})
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.connection is used:
            raise
        _write_once([(record, texts)], {record.correlation_id: found_by_checks})


def record_calls(records: Sequence[tuple[CallRecord, Texts]]) -> None:
    """Write many calls in a transaction of their own. Raises Django's database errors.

    Those that are stored already, by a try whose end was never heard of, are passed over.
    """
    _write_once(records, NO_CHECKS)


def rehearse() -> None:
    """Name every column that a record is written to; raises Django's ProgrammingError if one lacks.

    So it is while a release's code runs before its migrations.
    """
    written = (
        ("llm_generation_metrics", METRIC_COLUMNS),
        ("llm_generation_history", HISTORY_COLUMNS),
        ("llm_quality_waiting", WAITING_COLUMNS),
    )
    with connection.cursor() as cursor:
        for table, columns in written:
            names = ", ".join(name for name, _ in columns)
            cursor.execute(f"SELECT {names} FROM {table} LIMIT 0")  # noqa: S608 - our own names


def keeps_texts() -> bool:
    """Whether prompts and answers are stored at all."""
    return _switched_on("LLM_FEATURE_METRICS") and _switched_on("LLM_FEATURE_HISTORY")


def _write_once(
    records: Sequence[tuple[CallRecord, Texts]], found_by_checks: Mapping[UUID, CheckResults]
) -> None:
    """In a transaction of their own, or a savepoint of the caller's."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            write_records(cursor, records, found_by_checks=found_by_checks)
    except IntegrityError:
        # A connection lost at COMMIT leaves open whether the rows are there.
        with transaction.atomic(), connection.cursor() as cursor:
            write_records(cursor, records, found_by_checks=found_by_checks)


def write_records(
    cursor: CursorWrapper,
    records: Sequence[tuple[CallRecord, Texts]],
    *,
    found_by_checks: Mapping[UUID, CheckResults] = NO_CHECKS,
) -> None:
    """Write many calls through a cursor of Django's, inside the transaction it is in.

    `found_by_checks` holds, by the calls' ids, what the caller's own checks found in the answers.
    Writes nothing when LLM_FEATURE_METRICS is off, and no texts when LLM_FEATURE_HISTORY is.

    Raises Django's database errors. After an IntegrityError the same records may be handed over
    again, in a new transaction: those that are stored already are then passed over.
    """
    if _in_doubt and not _in_doubt.isdisjoint(record.id for record, _ in records):
        records = _not_stored(cursor, records)
    try:
        _write_new(cursor, records, found_by_checks)
    except IntegrityError:
        if len(_in_doubt) > MAX_IN_DOUBT:
            _in_doubt.clear()
        _in_doubt.update(record.id for record, _ in records)
        raise


def _not_stored(
    cursor: CursorWrapper, records: Sequence[tuple[CallRecord, Texts]]
) -> list[tuple[CallRecord, Texts]]:
    """The records whose ids have no row, each once."""
    moments = [database_clock.corrected(record.created_at) for record, _ in records]
    cursor.execute(
        "SELECT id FROM llm_generation_metrics WHERE created_at BETWEEN %s AND %s AND id = ANY(%s)",
        [min(moments), max(moments), [record.id for record, _ in records]],
    )
    stored = {found for (found,) in cursor.fetchall()}
    missing = {each[0].id: each for each in records if each[0].id not in stored}
    return list(missing.values())


def _write_new(
    cursor: CursorWrapper,
    records: Sequence[tuple[CallRecord, Texts]],
    found_by_checks: Mapping[UUID, CheckResults],
) -> None:
    if not records or not _switched_on("LLM_FEATURE_METRICS"):
        return
    # Before COPY has the connection for itself.
    moments = database_clock.all_corrected(record.created_at for record, _ in records)
    checks = [found_by_checks.get(record.correlation_id, NO_RESULTS) for record, _ in records]
    copy_rows(
        cursor,
        "llm_generation_metrics",
        METRIC_COLUMNS,
        (
            _metric_row(record, moment, found)
            for (record, _), moment, found in zip(records, moments, checks, strict=True)
        ),
    )
    if _switched_on("LLM_FEATURE_HISTORY"):
        in_force = rules.current()
        copy_rows(
            cursor,
            "llm_generation_history",
            HISTORY_COLUMNS,
            (
                _history_row(record, texts, moment, found.parts, in_force)
                for (record, texts), moment, found in zip(records, moments, checks, strict=True)
            ),
        )
        _have_checked(cursor, records, in_force)


def _have_checked(
    cursor: CursorWrapper, records: Sequence[tuple[CallRecord, Texts]], in_force: Rules
) -> None:
    """Note the answers that a rule asks slow checks for: those run later, elsewhere."""
    rows = [
        (
            ready_uuid(record.correlation_id),
            database_clock.corrected(record.created_at),
            _operation(record),
        )
        for record, texts in records
        if in_force.slow(record.labels.operation_type) and not record.error_code and texts.answer
    ]
    if rows:
        copy_rows(cursor, "llm_quality_waiting", WAITING_COLUMNS, rows)


def _switched_on(variable: str) -> bool:
    return bool(effective(variable, environment=project_settings.process_values(), row={}))


def _metric_row(record: CallRecord, moment: dt.datetime, checks: CheckResults) -> tuple[Any, ...]:
    """The values of METRIC_COLUMNS; `moment` is when it began, by the database's clock."""
    labels = record.labels
    usage = storable_usage(record)
    tokens_input, tokens_output = usage.tokens_input, usage.tokens_output
    finish_reason = record.finish_reason
    return (
        record.id.int.to_bytes(16),
        moment,
        record.correlation_id.int.to_bytes(16),
        ready_uuid(labels.session_id),
        *_usual_words(
            record.interaction_type,
            labels.service_name,
            record.node,
            labels.operation_type,
            record.tier,
            record.provider,
            record.model,
        ),
        tokens_input,
        tokens_output,
        tokens_input + tokens_output,
        usage.cached_input,
        usage.cache_write,
        usage.reasoning,
        storable_latency(record.latency_ms),
        storable_cost(record, record.cost_usd),
        None if finish_reason is None else fitting("finish_reason", finish_reason),
        record.truncated,
        record.prompt_length,
        record.response_length,
        record.error_code and fitting("error_code", record.error_code),
        ready_json(attempts_json(record.attempts)),
        _names(record.dropped_params),
        record.config_revision,
        labels.organization_id,
        *_user(record.user_id),
        record.cache_hit,
        None if record.saved_usd is None else storable_cost(record, record.saved_usd),
        record.experiment and fitting("experiment", record.experiment),
        record.experiment_arm and fitting("experiment_arm", record.experiment_arm),
        labels.prompt_version,
        checks.syntax_valid,
        labels.account and fitting("account", labels.account),
        labels.end_user and fitting("end_user", labels.end_user),
        _words(labels.tags) if labels.tags else None,
        ready_json(object_json(labels.metadata)) if labels.metadata else None,
        _words(record.tool_calls) if record.tool_calls else None,
        min(record.tool_results_length, MAX_LENGTH),
    )


@lru_cache(maxsize=1024)
def _usual_words(*words: str) -> tuple[str, ...]:
    """Those of USUAL_WORDS, cut to their columns: the same few in nearly every call."""
    return tuple(map(fitting, USUAL_WORDS, words))


def _user(key: UserKey | None) -> tuple[int | None, str]:
    """The columns user_id and user_key: projects key their users by numbers, or UUIDs, or words."""
    if key is None or isinstance(key, int):
        return key, ""
    return None, fitting("user_key", str(key))


def _names(parameters: Sequence[str]) -> bytes:
    if not parameters:
        return NO_PARAMETERS
    return ready_json(orjson.dumps([storable(name) for name in parameters]))


def _history_row(
    record: CallRecord,
    texts: Texts,
    moment: dt.datetime,
    parts: Sequence[ScorePart],
    in_force: Rules,
) -> tuple[Any, ...]:
    """The values of HISTORY_COLUMNS."""
    labels = record.labels
    passed = not record.error_code and all(part.passed for part in parts)
    return (
        record.id.int.to_bytes(16),
        moment,
        record.correlation_id.int.to_bytes(16),
        fitting("node_type", record.interaction_type),
        fitting("method_name", record.node),
        storable(texts.prompt),
        storable(texts.answer),
        passed,
        score(parts, in_force.weights(labels.operation_type)) if parts else None,
        ready_json(parts_json(parts)) if parts else None,
        labels.account and fitting("account", labels.account),
        labels.end_user and fitting("end_user", labels.end_user),
        _words(labels.tags) if labels.tags else None,
        ready_json(object_json(texts.tool_calls)) if texts.tool_calls else None,
    )


def _words(words: Sequence[str]) -> list[str]:
    return [storable(each) for each in words]


def _operation(record: CallRecord) -> str:
    return fitting("operation_type", record.labels.operation_type)
