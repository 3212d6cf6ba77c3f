"""Carrying out a run: every case is asked once, by the same gates; no row is written."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext

from enrichment.batches import creation
from enrichment.engine.column_values import plain_json
from enrichment.engine.items import Item, Outcome, call_for, failed, judged
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection, EnrichmentError, NotAllowedNow
from enrichment.evaluations import attendance
from enrichment.evaluations.recorded import kind_of
from enrichment.forecast import Forecast, forecast_calls
from enrichment.models import ResultState
from enrichment.models.evaluations import (
    EvaluationAnswer,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    RunStatus,
)
from enrichment.prompts.selection import CompiledPrompt, PromptsInForce, compiled_version
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import LLMError
from llmconfig.roles import User
from llmconfig.runtime.direct_sessions import direct_session
from metrics.recording import write_records

logger = logging.getLogger(__name__)

SERVICE = "evaluation"  # of the calls' records
MAX_IN_FLIGHT = 50


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What is to be tried; blank is what is in force for the enrichment. The cap in US dollars."""

    model: str = ""
    node: str = ""
    prompt_version: int | None = None
    label: str = ""
    max_cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RunTotals:
    """How far a run is. `cost_usd` is of the priced calls."""

    cases: int
    answered: int
    passed: int
    cost_usd: Decimal
    unpriced: int


def foresee(evaluation_set: EvaluationSet, order: RunOrder) -> Forecast:
    """What a run would take; raises what `begin` does."""
    enrichment, node, target = _checked(evaluation_set, order)
    prompts, floor = PromptsOfRun(enrichment, order.prompt_version), enrichment.floor()
    items = [item_of(case, evaluation_set, prompts, floor) for case in evaluation_set.cases.all()]
    lengths = [
        sum(len(str(message["content"])) for message in each.prompt.messages(each.values))
        for each in items
        if each.prompt is not None
    ]
    return forecast_calls(enrichment, target, lengths, node=node)


def begin(evaluation_set: EvaluationSet, order: RunOrder, *, user: User | None) -> EvaluationRun:
    """Make a run that waits; raises BadSelection, FeatureOff, and llmconfig's errors where nobody
    could answer.
    """
    _, node, _ = _checked(evaluation_set, order)
    return EvaluationRun.objects.create(
        evaluation_set=evaluation_set,
        label=order.label,
        node=node,
        model=order.model,
        prompt_version=order.prompt_version,
        max_cost_usd=order.max_cost_usd,
        created_by=user,
    )


def _checked(evaluation_set: EvaluationSet, order: RunOrder) -> tuple[Enrichment, str, Target]:
    """What the order asks, at which node, and who would answer."""
    enrichment = kind_of(evaluation_set)
    creation.check_allowed(enrichment)
    node = order.node or enrichment.node or evaluation_set.node
    given = {"model": order.model} if order.model else {}
    try:
        target = resolve(node, snapshot=snapshot.current(), given=given).targets[0]
    except LLMError as error:
        field = "model" if order.model else "node"
        raise BadSelection(f"{field}: {error}", field=field) from error
    _prompt(enrichment, order.prompt_version)
    return enrichment, node, target


def proceed(run: EvaluationRun) -> None:
    """Let a stopped run go on where it stopped; raises NotAllowedNow for others."""
    stopped = EvaluationRun.objects.filter(pk=run.pk, status=RunStatus.STOPPED)
    if not stopped.update(status=RunStatus.WAITING, status_reason="", finished_at=None):
        raise NotAllowedNow(gettext("Only a run that has stopped can go on."))


def stop(run: EvaluationRun) -> None:
    """Ask no more; raises NotAllowedNow for one that has ended."""
    going = EvaluationRun.objects.filter(
        pk=run.pk, status__in=[RunStatus.WAITING, RunStatus.RUNNING]
    )
    if not going.update(status=RunStatus.STOPPED, status_reason="Stopped by a person."):
        raise NotAllowedNow(gettext("The run has ended."))


@direct_session()
def carry_out(run_id: UUID) -> EvaluationRun:
    """Ask about all cases that have no answer yet, then end; one process at a time does.

    Raises EvaluationRun.DoesNotExist. After a death the cases in flight are asked again, at most
    LLM_BATCH_CONCURRENT of them.
    """
    run = EvaluationRun.objects.select_related("evaluation_set").get(pk=run_id)
    with attendance.attending(run.pk) as ours:
        if ours:
            _carry_out(run)
            run.refresh_from_db()
    return run


def totals_of(run: EvaluationRun) -> RunTotals:
    """Summed from its answers."""
    found: dict[str, Any] = run.answers.aggregate(
        answered=Count("id"), cost=Sum("cost_usd"), priced=Count("cost_usd")
    )
    return RunTotals(
        cases=run.evaluation_set.cases.count(),
        answered=found["answered"],
        passed=run.answers.filter(state=ResultState.APPLIED).count(),
        cost_usd=found["cost"] or Decimal(0),
        unpriced=found["answered"] - found["priced"],
    )


def unattended() -> list[EvaluationRun]:
    """Runs that nobody carries out now although nobody stopped them, such as after a death."""
    going = list(EvaluationRun.objects.filter(status__in=[RunStatus.WAITING, RunStatus.RUNNING]))
    alone = attendance.unattended([run.pk for run in going])
    return [run for run in going if run.pk in alone]


def _carry_out(run: EvaluationRun) -> None:
    going = EvaluationRun.objects.filter(
        pk=run.pk, status__in=[RunStatus.WAITING, RunStatus.RUNNING]
    )
    if not going.update(status=RunStatus.RUNNING, status_reason="", finished_at=None):
        return
    try:
        _ask_cases(run)
    except EnrichmentError as error:
        _end(run, RunStatus.STOPPED, str(error))


def _ask_cases(run: EvaluationRun) -> None:
    enrichment = kind_of(run.evaluation_set)
    prompts = PromptsOfRun(enrichment, run.prompt_version)
    floor = enrichment.floor()
    window = min(MAX_IN_FLIGHT, snapshot.current().setting("LLM_BATCH_CONCURRENT"))
    left = run.evaluation_set.cases.exclude(answers__run=run)
    cases = list(left)
    for at in range(0, len(cases), window):
        reason = _reason_to_stop(run)
        if reason:
            _end(run, RunStatus.STOPPED, reason)
            return
        part = cases[at : at + window]
        items = [item_of(case, run.evaluation_set, prompts, floor) for case in part]
        began = time.monotonic()
        try:
            outcomes = background_loop.run(_asked(enrichment, run, items))
        except LLMError as error:
            _end(run, RunStatus.STOPPED, str(error))
            return
        _store(run, part, outcomes)
        logger.info("%s: %d cases in %.1f s", run, len(part), time.monotonic() - began)
    _end(run, RunStatus.DONE)


def _end(run: EvaluationRun, status: RunStatus, reason: str = "") -> None:
    """One that a person has stopped meanwhile stays so."""
    running = EvaluationRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING)
    running.update(status=status, status_reason=reason, finished_at=Now())


def _reason_to_stop(run: EvaluationRun) -> str:
    run.refresh_from_db(fields=["status", "status_reason"])
    if run.status == RunStatus.STOPPED:
        return run.status_reason
    cap = run.max_cost_usd
    if cap is None:
        return ""
    spent = totals_of(run)
    if spent.unpriced:
        return "Its cap can't be kept: a model's price is unknown."
    return f"Its cap of ${cap.normalize():f} is spent." if spent.cost_usd >= cap else ""


class PromptsOfRun:
    """The prompt of each case: the version that is tried, else the one in force."""

    def __init__(self, enrichment: Enrichment, version: int | None) -> None:
        self._fixed = _prompt(enrichment, version)
        self._in_force = PromptsInForce(enrichment)

    def of(self, organization_id: int | None) -> CompiledPrompt:
        return self._fixed or self._in_force.of(organization_id)


def _prompt(enrichment: Enrichment, version: int | None) -> CompiledPrompt | None:
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


async def _asked(
    enrichment: Enrichment, run: EvaluationRun, items: Sequence[Item]
) -> list[Outcome]:
    return await asyncio.gather(*(_outcome(enrichment, run, item) for item in items))


async def _outcome(enrichment: Enrichment, run: EvaluationRun, item: Item) -> Outcome:
    """One case's; raises LLMError where nobody can be asked at all."""
    told: list[tuple[CallRecord, Texts]] = []
    call = call_for(enrichment, item, session_id=run.pk, use_cache=False)
    call = replace(
        call,
        node=run.node,
        given={"model": run.model} if run.model else {},
        experiment_key="",
        labels=replace(call.labels, service_name=SERVICE),
    )
    try:
        answer = await client.agenerate(call, collect=lambda *pair: told.append(pair))
    except GenerationFailed as failure:
        return failed(enrichment, item, failure, told[0][1] if told else None)
    return await asyncio.to_thread(judged, enrichment, item, answer, told[0][1])


def _store(
    run: EvaluationRun, cases: Sequence[EvaluationCase], outcomes: Sequence[Outcome]
) -> None:
    """The answers with the records of their calls, in one transaction."""
    answers = [
        EvaluationAnswer(
            run=run,
            case=case,
            state=each.state,
            value=plain_json(each.value),
            reason=each.reason,
            model_used=each.record.model if each.record else "",
            prompt_version=each.item.prompt.version if each.item.prompt else None,
            tokens=each.record.usage.tokens_input + each.record.usage.tokens_output
            if each.record
            else 0,
            cost_usd=each.record.cost_usd if each.record else Decimal(0),
            correlation_id=each.record.correlation_id if each.record else None,
        )
        for case, each in zip(cases, outcomes, strict=True)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        EvaluationAnswer.objects.bulk_create(answers)
        write_records(
            cursor, [(each.record, each.texts) for each in outcomes if each.record and each.texts]
        )
