"""Carrying out a run: every case is asked once, by the same gates; no row is written."""

import logging
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.batches.creation import Terms
from enrichment.engine.items import Item
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection, EnrichmentError
from enrichment.evaluations import attendance, run_cascade, run_states
from enrichment.evaluations.at_provider import rounds
from enrichment.evaluations.at_provider.cases import cases_left, check_transport
from enrichment.evaluations.recorded import kind_of
from enrichment.evaluations.run_calls import (
    PromptsOfRun,
    call_of,
    item_of,
    outcome_of,
    prompt_of,
    store,
)
from enrichment.forecast import Forecast, forecast_calls
from enrichment.models import Transport
from enrichment.models.evaluations import (
    GOING,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
    RunStatus,
)
from llmconfig.client.http import background_loop
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import LLMError
from llmconfig.roles import User
from llmconfig.runtime.direct_sessions import direct_session
from llmconfig.runtime.together import together

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT = 50
LOOK_EVERY_SECONDS = 1.0  # at what a provider works off


class RunOrder(Struct, frozen=True):
    """What is to be tried; blank is what is in force for the enrichment. The cap in US dollars."""

    model: str = ""
    node: str = ""
    prompt_version: int | None = None
    label: str = ""
    max_cost_usd: Decimal | None = None
    transport: str = Transport.LIVE


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
    return forecast_calls(enrichment, target, lengths, node=node, cascade=not order.model)


@transaction.atomic
def begin(evaluation_set: EvaluationSet, order: RunOrder, *, user: User | None) -> EvaluationRun:
    """Make a run that waits; raises BadSelection, FeatureOff, and llmconfig's errors where nobody
    could answer. Without a `model` it goes through the node's cascade, where that has one.
    """
    enrichment, node, _ = _checked(evaluation_set, order)
    run = EvaluationRun.objects.create(
        evaluation_set=evaluation_set,
        label=order.label,
        node=node,
        model=order.model,
        prompt_version=order.prompt_version,
        max_cost_usd=order.max_cost_usd,
        transport=order.transport,
        created_by=user,
    )
    terms = run_cascade.terms_for(enrichment, node, order.model)
    if terms is not None:
        run_cascade.begin(run, terms)
    return run


def _checked(evaluation_set: EvaluationSet, order: RunOrder) -> tuple[Enrichment, str, Target]:
    """What the order asks, at which node, and who would answer."""
    enrichment = kind_of(evaluation_set)
    creation.check_allowed(enrichment)
    creation.check_terms(Terms(max_cost_usd=order.max_cost_usd))
    node = order.node or enrichment.node or evaluation_set.node
    given = {"model": order.model} if order.model else {}
    try:
        target = resolve(node, snapshot=snapshot.current(), given=given).targets[0]
    except LLMError as error:
        field = "model" if order.model else "node"
        raise BadSelection(f"{field}: {error}", field=field) from error
    prompt_of(enrichment, order.prompt_version)
    check_transport(order.transport, target)
    terms = run_cascade.terms_for(enrichment, node, order.model)
    if order.transport == Transport.PROVIDER_BATCH and terms is not None and not terms.rests:
        raise BadSelection(
            gettext(
                "transport: a run goes through the node's cascade call by call. Use live, or name"
                " the model that is to answer alone."
            ),
            field="transport",
        )
    return enrichment, node, target


@direct_session()
def carry_out(run_id: UUID) -> EvaluationRun:
    """Ask about all cases that have no answer yet, then end; one process at a time does.

    Those that are left to a provider are handed over, or read; they end the run later. Raises
    EvaluationRun.DoesNotExist. After a death the cases in flight are asked again, at most
    LLM_BATCH_CONCURRENT of them; none that was handed over.
    """
    run = EvaluationRun.objects.select_related("evaluation_set").get(pk=run_id)
    if run.transport == Transport.PROVIDER_BATCH:
        rounds.advance()
    with attendance.attending(run.pk) as ours:
        if ours and is_left_to_us(run):
            _carry_out(run)
    run.refresh_from_db()
    return run


def carry_out_to_end(run_id: UUID) -> EvaluationRun:
    """The same until it has ended, also where a provider takes a day."""
    run = carry_out(run_id)
    while run.status in GOING:
        time.sleep(LOOK_EVERY_SECONDS)
        run = carry_out(run_id)
    return run


def unattended() -> list[EvaluationRun]:
    """Runs with something to ask that nobody carries out now although nobody stopped them, such as
    after a death.
    """
    runs = EvaluationRun.objects.select_related("evaluation_set")
    going = [run for run in runs.filter(status__in=list(GOING)) if is_left_to_us(run)]
    alone = attendance.unattended([run.pk for run in going])
    return [run for run in going if run.pk in alone]


def is_left_to_us(run: EvaluationRun) -> bool:
    """Whether there is anything to do for it but to wait for a provider."""
    return run.transport == Transport.LIVE or bool(cases_left(run).live)


def _carry_out(run: EvaluationRun) -> None:
    if not run_states.take_up(run):
        return
    try:
        _ask_cases(run)
    except EnrichmentError as error:
        run_states.end(run, RunStatus.STOPPED, str(error))


def _ask_cases(run: EvaluationRun) -> None:
    enrichment = kind_of(run.evaluation_set)
    prompts = PromptsOfRun(enrichment, run.prompt_version)
    floor = enrichment.floor()
    cascade = run_cascade.cascade_of(run, enrichment)
    most = MAX_IN_FLIGHT if cascade is None else run_cascade.AT_ONCE
    window = min(most, snapshot.current().setting("LLM_BATCH_CONCURRENT"))
    cases = cases_left(run).live
    for at in range(0, len(cases), window):
        reason = _reason_to_stop(run)
        if reason:
            run_states.end(run, RunStatus.STOPPED, reason)
            return
        part = cases[at : at + window]
        items = [item_of(case, run.evaluation_set, prompts, floor) for case in part]
        began = time.monotonic()
        of_rows = {case.row_id: case for case in part}
        try:
            if cascade is not None:
                cascade.ask(items, of_rows)
            else:
                _ask(enrichment, run, items, of_rows)
        except LLMError as error:
            run_states.end(run, RunStatus.STOPPED, str(error))
            return
        logger.info("%s: %d cases in %.1f s", run, len(part), time.monotonic() - began)
    run_states.end_if_answered(run)


def _reason_to_stop(run: EvaluationRun) -> str:
    run.refresh_from_db(fields=["status", "status_reason"])
    if run.status == RunStatus.STOPPED:
        return run.status_reason
    cap = run.max_cost_usd
    if cap is None:
        return ""
    spent = run_states.totals_of(run)
    if spent.unpriced:
        return "Its cap can't be kept: a model's price is unknown."
    return f"Its cap of ${cap.normalize():f} is spent." if spent.cost_usd >= cap else ""


def _ask(
    enrichment: Enrichment,
    run: EvaluationRun,
    items: Sequence[Item],
    cases: Mapping[str, EvaluationCase],
) -> None:
    """Ask about all of them and keep what is answered; then raises what kept others from it, such
    as a budget that was used up meanwhile.
    """

    calls = (call_of(enrichment, run, item, run.model) for item in items)
    asked = [outcome_of(enrichment, *each) for each in zip(items, calls, strict=True)]
    came = background_loop.run(together(asked))
    with transaction.atomic():
        store(run, cases, came.values)
    came.or_raise()
