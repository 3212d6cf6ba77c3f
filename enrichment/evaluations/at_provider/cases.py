"""Which cases of a run a provider has, which it is to get, and which go on live."""

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.engine.submissions.costs import most_of
from enrichment.engine.submissions.fall_back import budget_passed
from enrichment.errors import BadSelection
from enrichment.evaluations import run_states
from enrichment.evaluations.recorded import kind_of
from enrichment.evaluations.run_calls import PromptsOfRun, call_of, item_of
from enrichment.models import SubmissionState, Transport
from enrichment.models.batches import UNFINISHED
from enrichment.models.evaluations import GOING, EvaluationCase, EvaluationRun, RunStatus
from llmconfig.client.provider_batches import missing_extra
from llmconfig.client.provider_batches.answers import has_batches
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.errors import ConfigurationError


class CasesLeft(Struct, frozen=True):
    """The cases that have no answer yet and aren't with a provider now.

    `due` are to be handed over; `live` are to be asked one by one, at the full price.
    """

    due: list[EvaluationCase]
    live: list[EvaluationCase]


def cases_left(run: EvaluationRun) -> CasesLeft:
    """Of a run at batch price those go live of which the provider has said nothing."""
    unanswered = list(run.evaluation_set.cases.exclude(answers__run=run))
    if run.transport == Transport.LIVE:
        return CasesLeft([], unanswered)
    away: set[str] = set()
    ended: set[str] = set()
    found = run.submissions.exclude(state=SubmissionState.REPEATED)
    for state, rows in found.values_list("state", "rows"):
        (away if state in UNFINISHED else ended).update(row[0] for row in rows)
    return CasesLeft(
        [each for each in unanswered if each.row_id not in away | ended],
        [each for each in unanswered if each.row_id in ended - away],
    )


def check_transport(transport: str, target: Target) -> None:
    """Raises BadSelection where a run's calls can't travel so."""
    if transport not in Transport.values:
        raise BadSelection(
            gettext("transport: {transport!r} is none; there are {known}.").format(
                transport=transport, known=", ".join(Transport.values)
            ),
            field="transport",
        )
    if transport == Transport.LIVE:
        return
    if not has_batches(target):
        raise BadSelection(
            gettext(
                "transport: {provider} has no batch interface. Use live, or name a model of OpenAI"
                " or Anthropic."
            ).format(provider=target.provider.name),
            field="transport",
        )
    if lacks := missing_extra(target):
        raise BadSelection(
            gettext("transport: {lacks} Or use live.").format(lacks=lacks), field="transport"
        )


def room_of(run: EvaluationRun, cap: Decimal, dearest: Decimal) -> Decimal:
    """US dollars that are left of its cap; an answer of unknown cost counts as the dearest."""
    spent = run_states.totals_of(run)
    under_way = run.submissions.filter(state__in=list(UNFINISHED))
    held = under_way.aggregate(Sum("held_usd"))["held_usd__sum"] or Decimal(0)
    return cap - spent.cost_usd - held - dearest * spent.unpriced


def go_live(
    run: EvaluationRun, cases: Sequence[EvaluationCase], *, why: str, billed: bool = False
) -> None:
    """Say that these cases go on live; stop the run where that could pass a limit, or pay twice.

    To be called in the transaction that leaves them so.
    """
    if not cases or run.status not in GOING:
        return
    number = "1 row goes" if len(cases) == 1 else f"{len(cases)} rows go"
    said = f"{number} on one by one, at the full price: {why}"
    if limit := _limit_passed(run, cases):
        said = f"{said} {limit} Continue it to go on until then, or raise the limit first."
        run_states.end(run, RunStatus.STOPPED, said)
    elif billed:
        said = f"{said} The provider may have billed them already. Continue it to ask all the same."
        run_states.end(run, RunStatus.STOPPED, said)
    else:
        going = EvaluationRun.objects.filter(pk=run.pk, status__in=list(GOING))
        going.update(status_reason=said)


def _limit_passed(run: EvaluationRun, cases: Sequence[EvaluationCase]) -> str:
    """The cap or budget that they could pass, in a sentence; blank if there is none."""
    cap, configuration = run.max_cost_usd, snapshot.current()
    if cap is None and not configuration.budgets:
        return ""
    given = {"model": run.model} if run.model else {}
    try:
        target = resolve(run.node, snapshot=configuration, given=given).targets[0]
    except ConfigurationError:
        return ""  # then nobody is called
    enrichment = kind_of(run.evaluation_set)
    prompts, floor = PromptsOfRun(enrichment, run.prompt_version), enrichment.floor()
    items = [item_of(case, run.evaluation_set, prompts, floor) for case in cases]
    calls = [call_of(enrichment, run, item, run.model) for item in items]
    if cap is not None:
        most = most_of(calls, target, node=run.node, at_batch_price=False)
        if most is None:
            return f"Its cap can't be kept: the price of {target.model_id} is unknown."
        left = max(room_of(run, cap, max(most)), Decimal(0))
        if sum(most) > left:
            return (
                f"They may cost up to ${sum(most):.4f}; its cap of ${cap.normalize():f} has"
                f" ${left:.4f} left."
            )
    return budget_passed(calls, target)
