"""The calls of a run: a case as it is asked about, and its answer as it is kept."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from django.db import connection

from enrichment.engine.column_values import plain_json
from enrichment.engine.items import Item, Outcome, call_for, failed, judged
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from enrichment.models.evaluations import (
    EvaluationAnswer,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
)
from enrichment.prompts.selection import CompiledPrompt, PromptsInForce, compiled_version
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Generation
from llmconfig.runtime.records import asdict, replace
from metrics.recording import write_records

SERVICE = "evaluation"  # of the calls' records
JudgeAnswer = Callable[[Enrichment, Item, Generation, Texts | None], Outcome]


class PromptsOfRun:
    """The prompt of each case: the version that is tried, else the one in force."""

    def __init__(self, enrichment: Enrichment, version: int | None) -> None:
        self._fixed = prompt_of(enrichment, version)
        self._in_force = PromptsInForce(enrichment)

    def of(self, organization_id: int | None) -> CompiledPrompt:
        return self._fixed or self._in_force.of(organization_id)


def prompt_of(enrichment: Enrichment, version: int | None) -> CompiledPrompt | None:
    """The version that is tried; None where it is the one in force. Raises BadSelection."""
    if version is None:
        return None
    found = compiled_version(enrichment, version)
    if found is None:
        said = f"prompt_version: {enrichment.name} has no prompt of version {version}."
        raise BadSelection(said, field="prompt_version")
    return found


def item_of(case: EvaluationCase, of: EvaluationSet, prompts: PromptsOfRun, floor: float) -> Item:
    """A case, ready to be asked about."""
    prompt = prompts.of(case.organization_id)
    return Item(
        claim=None,
        row_id=case.row_id,
        variant=of.variant,
        organization_id=case.organization_id,
        prompt=prompt,
        # A fact that the set was made without stands for nothing.
        values=dict.fromkeys(prompt.fact_names, "") | case.values,
        floor=floor,
        columns=case.columns,
    )


def call_of(enrichment: Enrichment, run: EvaluationRun, item: Item, model: str) -> Call:
    """What a case asks of a model; a blank one is the node's own."""
    call = call_for(enrichment, item, session_id=run.pk, use_cache=False)
    return replace(
        call,
        node=run.node,
        given={"model": model} if model else {},
        experiment_key="",
        labels=replace(call.labels, service_name=SERVICE),
    )


async def outcome_of(
    enrichment: Enrichment, item: Item, call: Call, judge: JudgeAnswer = judged
) -> Outcome:
    """What a call comes to; raises LLMError where nobody can be asked at all."""
    told: list[tuple[CallRecord, Texts]] = []
    try:
        answer = await client.agenerate(call, collect=lambda *pair: told.append(pair))
    except GenerationFailed as failure:
        return failed(enrichment, item, failure, told[0][1] if told else None)
    return await asyncio.to_thread(judge, enrichment, item, answer, told[0][1])


def store(
    run: EvaluationRun, cases: Mapping[str, EvaluationCase], outcomes: Sequence[Outcome]
) -> None:
    """Keep answers with the records of their calls, in the caller's transaction.

    `cases` has them by row. Of a row that is still to be asked, only the calls are kept.
    """
    paid = {each.item.row_id: _calls(each) for each in outcomes}
    answered = [each for each in outcomes if not each.unfinished]
    EvaluationAnswer.objects.bulk_create(
        EvaluationAnswer(
            run=run,
            case=cases[each.item.row_id],
            state=each.state,
            value=plain_json(each.value),
            reason=each.reason,
            model_used=each.record.model if each.record else "",
            prompt_version=each.item.prompt.version if each.item.prompt else None,
            tokens=sum(
                record.usage.tokens_input + record.usage.tokens_output
                for record, _ in paid[each.item.row_id]
            ),
            cost_usd=_cost([record for record, _ in paid[each.item.row_id]]),
            correlation_id=each.record.correlation_id if each.record else None,
            cascade=asdict(each.decided) if each.decided else None,
        )
        for each in answered
    )
    with connection.cursor() as cursor:
        told = [(record, texts) for calls in paid.values() for record, texts in calls if texts]
        write_records(cursor, told)


def _calls(outcome: Outcome) -> list[tuple[CallRecord, Texts | None]]:
    """A case's calls, the one that answered first."""
    own = [(outcome.record, outcome.texts)] if outcome.record else []
    return [*own, *outcome.beside]


def _cost(records: Sequence[CallRecord]) -> Decimal | None:
    """US dollars of a case's calls together; None where one has no known price."""
    costs = [record.cost_usd for record in records]
    return None if None in costs else sum(filter(None, costs), Decimal(0))
