"""Where a run stands: its moves from one status to another, and how far it is."""

from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.batches.creation import Terms
from enrichment.errors import NotAllowedNow
from enrichment.models import ResultState, RunCascade
from enrichment.models.evaluations import GOING, EvaluationRun, RunStatus


class RunTotals(Struct, frozen=True):
    """How far a run is. `cost_usd` is of the priced calls."""

    cases: int
    answered: int
    passed: int
    cost_usd: Decimal
    unpriced: int


def totals_of(run: EvaluationRun) -> RunTotals:
    """Summed from its answers; in a cascade from all calls, as some are paid without an answer."""
    found: dict[str, Any] = run.answers.aggregate(
        answered=Count("id"), cost=Sum("cost_usd"), priced=Count("cost_usd")
    )
    cost, unpriced = found["cost"] or Decimal(0), found["answered"] - found["priced"]
    cascade = RunCascade.objects.filter(pk=run.pk, rests="").first()
    if cascade is not None:
        cost = cascade.cheap_usd + cascade.dear_usd
        unpriced = cascade.cheap_unpriced + cascade.dear_unpriced
    return RunTotals(
        cases=run.evaluation_set.cases.count(),
        answered=found["answered"],
        passed=run.answers.filter(state=ResultState.APPLIED).count(),
        cost_usd=cost,
        unpriced=unpriced,
    )


def proceed(run: EvaluationRun, *, max_cost_usd: Decimal | None = None) -> None:
    """Let a stopped run go on where it stopped, perhaps under another cap in US dollars.

    Raises NotAllowedNow for others and while its cap is spent, BadSelection for a cap that is none.
    """
    creation.check_terms(Terms(max_cost_usd=max_cost_usd))
    cap = run.max_cost_usd if max_cost_usd is None else max_cost_usd
    spent = totals_of(run).cost_usd
    if run.status == RunStatus.STOPPED and cap is not None and spent >= cap:
        raise NotAllowedNow(
            gettext(
                "The run has spent ${cost_usd} of its cap of ${cap}; continue it with a higher one"
                " (max_cost_usd, --max-cost)."
            ).format(cost_usd=f"{spent:.4f}", cap=f"{cap.normalize():f}")
        )
    stopped = EvaluationRun.objects.filter(pk=run.pk, status=RunStatus.STOPPED)
    if not stopped.update(
        max_cost_usd=cap,
        status=RunStatus.WAITING,
        status_reason="",
        finished_at=None,
        resumed_at=Now(),
        due_at=Now(),
    ):
        raise NotAllowedNow(gettext("Only a run that has stopped can go on."))


def stop(run: EvaluationRun) -> None:
    """Ask no more; raises NotAllowedNow for one that has ended."""
    going = EvaluationRun.objects.filter(pk=run.pk, status__in=list(GOING))
    if not going.update(status=RunStatus.STOPPED, status_reason="Stopped by a person."):
        raise NotAllowedNow(gettext("The run has ended."))


def take_up(run: EvaluationRun) -> bool:
    """Have it run, unless it has ended or somebody has stopped it meanwhile."""
    going = EvaluationRun.objects.filter(pk=run.pk, status__in=list(GOING))
    return bool(going.update(status=RunStatus.RUNNING, finished_at=None))


def end(run: EvaluationRun, status: RunStatus, reason: str = "") -> None:
    """One that a person has stopped meanwhile stays so."""
    going = EvaluationRun.objects.filter(pk=run.pk, status__in=list(GOING))
    going.update(status=status, status_reason=reason, finished_at=Now())


def end_if_answered(run: EvaluationRun) -> None:
    """Once no case is without an answer."""
    if not run.evaluation_set.cases.exclude(answers__run=run).exists():
        end(run, RunStatus.DONE)
