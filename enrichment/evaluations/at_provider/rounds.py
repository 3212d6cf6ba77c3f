"""Looks after the runs that are left to providers, one process at a time.

Each step is committed before the next one begins, as in `engine.submissions.rounds`.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from enrichment.engine.db_sessions import SESSION_ERRORS, alone
from enrichment.engine.items import Item
from enrichment.engine.submissions import SETTLE, polling
from enrichment.engine.submissions.calls import Step
from enrichment.engine.submissions.costs import fitting, most_of
from enrichment.engine.submissions.hand_over import FULL_UNTIL_HALVED
from enrichment.engine.submissions.rounds import is_due
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import EnrichmentError
from enrichment.evaluations import run_states
from enrichment.evaluations.at_provider.cases import cases_left, check_transport, room_of
from enrichment.evaluations.at_provider.results import run_call
from enrichment.evaluations.at_provider.run_work import RunWork
from enrichment.evaluations.recorded import kind_of
from enrichment.evaluations.run_calls import PromptsOfRun, item_of
from enrichment.models import ProviderBatchSubmission, SubmissionState, Transport
from enrichment.models.batches import UNFINISHED
from enrichment.models.evaluations import GOING, EvaluationRun, RunStatus
from llmconfig.client.provider_batches import money
from llmconfig.client.traffic.budget_ledger import BudgetVerdict
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import LLMError
from llmconfig.runtime import advisory_locks
from llmconfig.runtime.direct_sessions import direct_session

logger = logging.getLogger(__name__)

MAX_CASES_AT_ONCE = 500


@direct_session()
def advance(*, step: Step = lambda _done: None, settle: dt.timedelta = SETTLE) -> None:
    """Do what is due for all runs at batch price; nothing while another process does.

    `settle` and `step` are as in `engine.submissions.advance`.
    """
    with alone(advisory_locks.RUN_SUBMISSIONS) as ours:
        if ours:
            _advance(step, settle)


def _advance(step: Step, settle: dt.timedelta) -> None:
    unfinished = ProviderBatchSubmission.objects.filter(
        state__in=list(UNFINISHED), run__isnull=False
    )
    for submission in unfinished.order_by("created_at"):
        if is_due(submission, settle):
            polling.go_on(RunWork(submission), step, settle=settle)
    going = EvaluationRun.objects.filter(
        status__in=list(GOING), transport=Transport.PROVIDER_BATCH, due_at__lte=Now()
    )
    for run_id in list(going.values_list("pk", flat=True)):
        while (intended := _intended(run_id)) is not None:
            step("intended")
            polling.go_on(RunWork(intended), step, settle=settle, fresh=True)


def _intended(run_id: UUID) -> ProviderBatchSubmission | None:
    """What is to be handed over next of a run; what can't be stops the run, and says why."""
    try:
        return _intend(run_id)
    except (EnrichmentError, LLMError) as error:
        why = str(error)
    except SESSION_ERRORS:
        raise
    except Exception as error:
        logger.exception("Run %s can't be handed over.", run_id)
        why = f"Its rows can't be handed over: {type(error).__name__}; see the log."
    run_states.end(EvaluationRun.objects.get(pk=run_id), RunStatus.STOPPED, why)
    return None


@transaction.atomic
def _intend(run_id: UUID) -> ProviderBatchSubmission | None:
    """Record what is about to be handed over, and hold its cost in the budgets and the cap.

    None where nothing is, or has to wait. Raises EnrichmentError, LLMError.
    """
    rows = EvaluationRun.objects.select_for_update(of=("self",)).select_related("evaluation_set")
    run = rows.filter(pk=run_id, status__in=list(GOING), due_at__lte=Now()).first()
    cases = cases_left(run).due[: _at_once(run)] if run is not None else []
    if run is None or not cases:
        if run is not None:
            run_states.end_if_answered(run)
        return None
    given = {"model": run.model} if run.model else {}
    target = resolve(run.node, snapshot=snapshot.current(), given=given).targets[0]
    check_transport(run.transport, target)
    enrichment = kind_of(run.evaluation_set)
    prompts, floor = PromptsOfRun(enrichment, run.prompt_version), enrichment.floor()
    items = [item_of(case, run.evaluation_set, prompts, floor) for case in cases]
    submission = ProviderBatchSubmission(
        run=run, provider=target.provider.name, model=target.model_id
    )
    if run.max_cost_usd is not None:
        items = _within_cap(submission, run, enrichment, items, target)
        if not items:
            return None
    submission.rows = [
        [item.row_id, "", item.prompt.version if item.prompt else None] for item in items
    ]
    calls = (run_call(submission, enrichment, run, item) for item in items)
    answer = money.commit(calls, target, snapshot.current(), holder=submission.pk)
    if answer.verdict is BudgetVerdict.REFUSED:
        why = f"{answer.why[:1].upper()}{answer.why[1:]}."
        run_states.end(run, RunStatus.STOPPED, why)
    if answer.verdict is not BudgetVerdict.GRANTED:
        return None
    submission.save(force_insert=True)
    run_states.take_up(run)
    return submission


def _at_once(run: EvaluationRun) -> int:
    """How many cases are handed over together: fewer where a queue took no more so often."""
    full = run.submissions.filter(state=SubmissionState.REPEATED).count()
    return max(1, MAX_CASES_AT_ONCE >> min(full // FULL_UNTIL_HALVED, 20))


def _within_cap(
    submission: ProviderBatchSubmission,
    run: EvaluationRun,
    enrichment: Enrichment,
    items: Sequence[Item],
    target: Target,
) -> list[Item]:
    """The cases from the front that surely fit into what the cap has left.

    None while others are under way, which may cost less than they might; stops the run where
    nothing is under way and not even one fits.
    """
    cap = run.max_cost_usd or Decimal(0)
    calls = (run_call(submission, enrichment, run, item) for item in items)
    most = most_of(calls, target, node=run.node, at_batch_price=True)
    if most is None:
        why = f"Its cap can't be kept: the price of {target.model_id} is unknown."
        run_states.end(run, RunStatus.STOPPED, why)
        return []
    room = room_of(run, cap, max(most))
    fits, submission.held_usd = fitting(most, room)
    if fits == len(items):
        return list(items)
    if run.submissions.filter(state__in=list(UNFINISHED)).exists():
        return []
    if not fits:
        run_states.end(
            run,
            RunStatus.STOPPED,
            f"The next row may cost up to ${most[0]:.4f} as part of a provider's batch, and its"
            f" cap of ${cap.normalize():f} has ${max(room, Decimal(0)):.4f} left.",
        )
    return list(items[:fits])
