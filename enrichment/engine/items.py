"""Rows on their way through a lane: what is sent, and what came of it."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from enrichment.cascades.steering import Decided
from enrichment.engine.answer_spool import KeptAnswer
from enrichment.engine.claims import Claim
from enrichment.engine.row_query import HASH, rows_of
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import FactMissing
from enrichment.facts import fetching, store
from enrichment.facts import questions as questions_module
from enrichment.facts.questions import FactQuestion, Source
from enrichment.facts.store import FactAnswer
from enrichment.models import ResultState
from enrichment.prompts.selection import CompiledPrompt, PromptsInForce, TriedPrompt
from enrichment.quality.findings import GateFinding
from enrichment.quality_report import check_results_of, check_results_of_failure
from enrichment.substitution import as_text
from llmconfig.client.errors import AnswerInvalid, GenerationFailed
from llmconfig.client.finish_reasons import is_whole
from llmconfig.client.http import background_loop
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Generation, Labels
from llmconfig.configuration.facts import UserKey
from llmconfig.runtime.ids import new_id
from llmconfig.runtime.records import replace
from metrics.quality.parts import CheckResults
from metrics.recording import NO_RESULTS

logger = logging.getLogger(__name__)

GONE = "The row no longer exists."
MAX_ERROR_CHARACTERS = 200
NOTHING = Decimal(0)
PARKED = "A worker died three times while this row was in work; it is parked."


class Item(Struct, frozen=True):
    """One row, ready to be sent; `settled` says instead why it needs no call.

    `claim` is the chunk that it belongs to, None outside batches.
    """

    claim: Claim | None
    row_id: str
    variant: str
    input_hash: str = ""
    organization_id: int | None = None
    prompt: CompiledPrompt | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    settled: ResultState | None = None
    reason: str = ""
    floor: float = 0.0  # the least confidence of what is applied
    columns: Mapping[str, Any] = field(default_factory=dict)  # those that bind the answer
    asks: tuple[FactQuestion, ...] = ()  # what sources of facts have still to be asked
    facts: tuple[tuple[FactQuestion, FactAnswer], ...] = ()  # what they said; in `values` already
    cheap: "Outcome | None" = None  # the answer of a cascade's cheap model, where there is one
    dear: bool = False  # a cascade asks its dear model alone


class Outcome(Struct, frozen=True):
    """What came of an item. `retriable` failures get a later round while there are any left."""

    item: Item
    state: ResultState
    value: Any = None
    reason: str = ""
    findings: tuple[GateFinding, ...] = ()  # why it, or a part of it, waits for a person
    suggestion: Any = None
    confidence: float | None = None
    confidence_source: str = ""
    record: CallRecord | None = None
    texts: Texts | None = None
    retriable: bool = False
    check_results: CheckResults = NO_RESULTS  # what the gates found, for the call's record
    answered_by: CallRecord | None = None  # another row's call, whose answer this one shares
    decided: Decided | None = None  # how it went through a cascade
    paid_before: Decimal | None = NOTHING  # US dollars of its recorded calls; None: unknown
    beside: tuple[tuple[CallRecord, Texts], ...] = ()  # the row's other calls
    judged_good: bool = False  # a judge that may decide found so
    unfinished: bool = False  # paid, and the row is still to be asked: only its calls are stored


def load_items(
    enrichment: Enrichment,
    row_ids: Sequence[str],
    *,
    variant: str,
    claim: Claim | None = None,
    facts_of_any_age: bool = False,
    draft: TriedPrompt | None = None,
) -> Iterator[Item]:
    """Read the rows in one query and prepare what is said about each, in the given order.

    Asks no source of facts: `answered` does. A `draft` is taken for the prompt in use.
    """
    prompts = PromptsInForce(enrichment, draft=draft)
    sources = questions_module.in_force(enrichment, prompts.fact_names)
    floor = enrichment.floor()
    rows = rows_of(enrichment, row_ids, sources)
    questions = {key: _questions(sources, row) for key, row in rows.items()} if sources else {}
    known = store.known(
        (each for asked in questions.values() for each in asked), any_age=facts_of_any_age
    )
    for row_id in row_ids:
        row = rows.get(row_id)
        if row is None:
            yield Item(claim, row_id, variant, settled=ResultState.SKIPPED, reason=GONE)
            continue
        item = _item(enrichment, prompts, row, row_id=row_id, variant=variant, claim=claim)
        item = replace(item, floor=floor) if floor else item
        yield _knowing(item, questions[row_id], known) if sources else item


def _questions(sources: Sequence[Source], row: Mapping[str, Any]) -> list[FactQuestion]:
    return [
        questions_module.question(source, row, row_hash=row[source.placeholder])
        for source in sources
    ]


def _knowing(
    item: Item, questions: Sequence[FactQuestion], known: Mapping[str, FactAnswer]
) -> Item:
    """With the known facts that its prompt wants; the others are to be asked."""
    names = item.prompt.fact_names if item.prompt else frozenset()
    wanted = [each for each in questions if each.source.placeholder in names]
    # One that needs no blank is asked again here, which costs nothing: it is decided in one place.
    said = [(each, known[each.key]) for each in wanted if each.key in known]
    said = [(each, answer) for each, answer in said if answer.value or not each.source.required]
    there = {each.source.name for each, _ in said}
    return replace(
        item,
        asks=tuple(each for each in wanted if each.source.name not in there),
        facts=tuple(said),
        values={**item.values, **{each.source.placeholder: answer.value for each, answer in said}},
    )


async def answered(item: Item) -> Item:
    """The item with all its facts; raises FactMissing."""
    if not item.asks:
        return item
    said = [(each, await fetching.ask(each)) for each in item.asks]
    return replace(
        item,
        asks=(),
        facts=(*item.facts, *said),
        values={**item.values, **{each.source.placeholder: answer.value for each, answer in said}},
    )


def without_fact(item: Item, missing: FactMissing) -> "Outcome":
    """What becomes of a row that needs a fact which can't be had."""
    return Outcome(item, ResultState.FAILED, reason=str(missing), retriable=missing.transient)


def answer_all(items: Sequence[Item]) -> list["Item | Outcome"]:
    """The items with their facts, side by side; those that can't have them as outcomes."""
    if not any(item.asks for item in items):
        return list(items)
    return background_loop.run(_answer_all(items))


async def _answer_all(items: Sequence[Item]) -> list["Item | Outcome"]:
    async def one(item: Item) -> "Item | Outcome":
        try:
            return await answered(item)
        except FactMissing as missing:
            return without_fact(item, missing)

    return list(await asyncio.gather(*(one(item) for item in items)))


def _item(
    enrichment: Enrichment,
    prompts: PromptsInForce,
    row: Mapping[str, Any],
    *,
    row_id: str,
    variant: str,
    claim: Claim | None,
) -> Item:
    column = enrichment.organization_field
    organization_id = row[column] if column else None
    prompt = prompts.of(organization_id)
    try:
        values = as_text(enrichment.values(row, variant=variant))
        reason = enrichment.skip_reason(values, variant=variant)
        settled = ResultState.SKIPPED if reason else None
    except Exception as error:
        logger.exception("Row %s broke its enrichment.", row_id)
        values, reason, settled = {}, broken_by(error), ResultState.FAILED
    if settled is None and claim is not None and claim.parked:
        reason, settled = PARKED, ResultState.FAILED
    return Item(
        claim=claim,
        row_id=row_id,
        variant=variant,
        input_hash=row[HASH],
        organization_id=organization_id,
        prompt=prompt,
        # A name that no source answers, now or any more, stands for nothing.
        values=dict.fromkeys(prompt.fact_names, "") | values if prompt.fact_names else values,
        settled=settled,
        reason=reason,
        columns={name: row[name] for name in enrichment.binding_columns},
    )


def call_for(
    enrichment: Enrichment,
    item: Item,
    *,
    session_id: UUID | None,
    user_id: UserKey | None = None,
    use_cache: bool = True,
) -> Call:
    """The call that an item makes."""
    if item.prompt is None:
        raise ValueError("A row that is gone has no call.")
    return Call(
        node=enrichment.node,
        messages=item.prompt.messages(item.values),
        schema=enrichment.schema,
        user_id=user_id,
        correlation_id=new_id(),
        labels=Labels(
            service_name="enrichment",
            operation_type=enrichment.name,
            session_id=session_id,
            organization_id=item.organization_id,
            prompt_version=item.prompt.told_version,
        ),
        experiment_key=item.row_id,
        use_cache=use_cache,
        logprobs=bool(enrichment.confidence_floor),
        # A single call would pay for a cache that nobody reads.
        prefix=item.prompt.prefix if item.claim is not None else None,
    )


def judged(enrichment: Enrichment, item: Item, answer: Generation, texts: Texts | None) -> Outcome:
    """Hold an answer to the enrichment's gates: applied, or a suggestion with the reasons."""
    found = enrichment.judge(
        answer, item.values, variant=item.variant, floor=item.floor, columns=item.columns
    )
    return Outcome(
        item,
        ResultState.SUGGESTED if found.findings else ResultState.APPLIED,
        value=found.value,
        reason=found.reason,
        findings=found.findings or found.doubts,
        suggestion=found.suggestion,
        confidence=found.confidence,
        confidence_source=found.confidence_source,
        record=answer.record,
        texts=texts,
        check_results=check_results_of(enrichment, found),
    )


def broken_by(error: Exception) -> str:
    """Why a row failed on which its enrichment's own code raises."""
    said = str(error).strip()[:MAX_ERROR_CHARACTERS].strip()
    return f"The enrichment failed on this row: {type(error).__name__}{': ' if said else ''}{said}."


def failed(
    enrichment: Enrichment,
    item: Item,
    failure: GenerationFailed,
    texts: Texts | None,
    *,
    retriable: bool = False,
) -> Outcome:
    """What a call that gave no answer comes to; of one that was cut, what came is a suggestion."""
    cut = cut_short(enrichment, item, failure, texts)
    if cut is not None:
        return cut
    return Outcome(
        item,
        ResultState.FAILED,
        reason=str(failure),
        record=failure.record,
        texts=texts,
        retriable=retriable,
        check_results=check_results_of_failure(enrichment, failure.record, str(failure)),
    )


def cut_short(
    enrichment: Enrichment, item: Item, failure: GenerationFailed, texts: Texts | None
) -> Outcome | None:
    """A suggestion of what came of a JSON answer that wasn't finished; None for other failures."""
    answer = failure.answer if isinstance(failure, AnswerInvalid) else None
    if answer is None or is_whole(answer.record.finish_reason):
        return None
    found = enrichment.judge_cut(answer, item.values)
    return Outcome(
        item,
        ResultState.SUGGESTED,
        value=found.value,
        reason=found.reason,
        findings=found.findings,
        record=failure.record,
        texts=texts,
        check_results=check_results_of_failure(enrichment, failure.record, str(failure)),
    )


def kept_of(outcome: Outcome) -> KeptAnswer | None:
    """What is kept on disk of an outcome until it is written; None where no call was made."""
    item, record = outcome.item, outcome.record
    if record is None:
        return None
    return KeptAnswer(
        row_id=item.row_id,
        input_hash=item.input_hash,
        prompt_version=item.prompt.version if item.prompt else None,
        state=outcome.state,
        value=outcome.value,
        reason=outcome.reason,
        findings=outcome.findings,
        suggestion=outcome.suggestion,
        confidence=outcome.confidence,
        confidence_source=outcome.confidence_source,
        record=record,
        texts=outcome.texts,
        retriable=outcome.retriable,
        check_results=outcome.check_results,
        facts=tuple((asked.source.name, said) for asked, said in item.facts),
        decided=outcome.decided,
        beside=outcome.beside,
        unfinished=outcome.unfinished,
        judged_good=outcome.judged_good,
    )


def restored(item: Item, kept: KeptAnswer) -> Outcome:
    """The outcome that was kept of a row, for the lane that has it now.

    It is of what the row and its prompt said when it was sent, and says so.
    """
    questions = {
        each.source.name: each for each in (*item.asks, *(asked for asked, _ in item.facts))
    }
    prompt = item.prompt
    if prompt is not None and kept.prompt_version is not None:
        prompt = replace(prompt, version=kept.prompt_version)
    item = replace(
        item,
        input_hash=kept.input_hash,
        prompt=prompt,
        settled=None,
        reason="",
        asks=(),
        facts=tuple((questions[name], said) for name, said in kept.facts if name in questions),
    )
    return Outcome(
        item,
        kept.state,
        value=kept.value,
        reason=kept.reason,
        findings=kept.findings,
        suggestion=kept.suggestion,
        confidence=kept.confidence,
        confidence_source=kept.confidence_source,
        record=kept.record,
        texts=kept.texts,
        retriable=kept.retriable,
        check_results=kept.check_results,
        decided=kept.decided,
        beside=kept.beside,
        unfinished=kept.unfinished,
        judged_good=kept.judged_good,
    )
