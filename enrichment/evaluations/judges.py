"""Asking judges: to hold them against reviewers' verdicts, and which of two runs is better.

Two answers are shown in both orders. Where the place decides, the pair says nothing of the answers,
and it is counted.
"""

from collections.abc import Coroutine, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models.functions import Now
from msgspec import Struct, field

from enrichment.batches import creation
from enrichment.engine.items import Item, call_for
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection, EnrichmentError
from enrichment.evaluations import attendance
from enrichment.evaluations.comparison import compare, judged_pairs
from enrichment.evaluations.kappa import kappa_of
from enrichment.evaluations.recorded import kind_of
from enrichment.evaluations.run_calls import PromptsOfRun, item_of
from enrichment.evaluations.verdicts import ReviewersVerdict, verdicts_of
from enrichment.judging import A, B, Judge, graded, judge_of
from enrichment.models import EvaluationAnswer, EvaluationRun, JudgeCalibration, JudgedPair
from enrichment.models.evaluations import RunStatus
from llmconfig import client
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.http import background_loop
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Generation
from llmconfig.errors import LLMError
from llmconfig.roles import User
from llmconfig.runtime.direct_sessions import direct_session
from llmconfig.runtime.records import replace
from llmconfig.runtime.together import together
from metrics.recording import record_calls

SERVICE = "judge"  # of the calls' records
AT_ONCE = 20
GOOD_FROM = 0.5
DIED = (
    "The process that carried it out died. The calls that it had made are recorded; begin another"
    " one."
)


class Asked(Struct):
    """What a judge's calls came to."""

    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    model: str = ""
    failure: str = ""
    calls: list[tuple[CallRecord, Texts]] = field(default_factory=list)  # not recorded yet


def begin_calibration(name: str, *, wanted: int, user: User | None) -> JudgeCalibration:
    """Make a calibration that waits; raises UnknownEnrichment, FeatureOff and BadSelection."""
    enrichment = get(name)
    creation.check_allowed(enrichment)
    judge = _judge(enrichment)
    return JudgeCalibration.objects.create(
        enrichment=enrichment.name, judge=judge.key, wanted=wanted, created_by=user
    )


@direct_session()
def calibrate(calibration_id: UUID) -> JudgeCalibration:
    """Ask the judge about the verdicts, and say how far it agrees; raises DoesNotExist.

    One process at a time does. One whose process died ends with that as its reason: who pays for
    its calls again is for a person to say.
    """
    row = JudgeCalibration.objects.get(pk=calibration_id)
    with attendance.attending(row.pk) as ours:
        if not ours:
            return row
        of_a_dead_process = JudgeCalibration.objects.filter(pk=row.pk, status=RunStatus.RUNNING)
        of_a_dead_process.update(status=RunStatus.STOPPED, status_reason=DIED, finished_at=Now())
        waiting = JudgeCalibration.objects.filter(pk=row.pk, status=RunStatus.WAITING)
        if waiting.update(status=RunStatus.RUNNING):
            _carry_out(row)
    row.refresh_from_db()
    return row


def unattended() -> list[JudgeCalibration]:
    """Those that haven't ended and that nobody carries out now, such as after a death."""
    going = JudgeCalibration.objects.filter(status__in=[RunStatus.WAITING, RunStatus.RUNNING])
    rows = list(going)
    alone = attendance.unattended([row.pk for row in rows])
    return [row for row in rows if row.pk in alone]


def _carry_out(row: JudgeCalibration) -> None:
    row.status = RunStatus.DONE
    try:
        _calibrate(row)
    except (EnrichmentError, LLMError) as error:
        row.status, row.status_reason = RunStatus.STOPPED, str(error)
    row.save()
    JudgeCalibration.objects.filter(pk=row.pk).update(finished_at=Now())


def judge_runs(first: EvaluationRun, second: EvaluationRun) -> int:
    """Have the judge compare the answers that differ and that it hasn't seen; how many there were.

    Raises BadSelection for runs that can't be compared, and LLMError where nobody can be asked.
    """
    enrichment = kind_of(first.evaluation_set)
    judge = _judge(enrichment)
    prompts = PromptsOfRun(enrichment, None)
    pairs = list(_unjudged(first, second, judge))
    for part in _parts(pairs):
        calls = [
            _call(enrichment, item_of(one.case, first.evaluation_set, prompts, 0.0), first.pk)
            for one, _ in part
        ]
        asked = Asked()
        said = _run(
            [
                _preferred(judge, call, one.value, other.value, asked)
                for call, (one, other) in zip(calls, part, strict=True)
            ],
            asked,
        )
        if asked.failure and not any(said):
            raise BadSelection(f"judge: {asked.failure}", field="judge")
        JudgedPair.objects.bulk_create(
            [
                JudgedPair(
                    first=one, second=other, judge=judge.key, preference=each[0], swayed=each[1]
                )
                for (one, other), each in zip(part, said, strict=True)
                if each is not None
            ],
            ignore_conflicts=True,
        )
    return len(pairs)


def _judge(enrichment: Enrichment) -> Judge:
    judge = judge_of(enrichment)
    if judge is None:
        said = f"judge: the node {enrichment.node or 'of recorded calls'} has no rubric for one."
        raise BadSelection(said, field="judge")
    return judge


def _unjudged(
    first: EvaluationRun, second: EvaluationRun, judge: Judge
) -> Iterator[tuple[EvaluationAnswer, EvaluationAnswer]]:
    cases = compare(first, second).cases
    seen = judged_pairs(judge, cases)
    for case in cases:
        if case.is_comparable and case.row_id not in seen:
            yield case.first, case.second


def _calibrate(row: JudgeCalibration) -> None:
    enrichment = get(row.enrichment)
    judge = _judge(enrichment)
    row.judge = judge.key
    asked = Asked()
    for part in _parts(verdicts_of(enrichment, row.wanted)):
        said = _run([_held(judge, enrichment, each, row, asked) for each in part], asked)
        paid = JudgeCalibration.objects.filter(pk=row.pk)  # a death leaves it known
        paid.update(model=asked.model, cost_usd=asked.cost_usd, unpriced=asked.unpriced)
        for verdict, (good, pair) in zip(part, said, strict=True):
            _count(row, verdict, good, pair)
    row.model, row.cost_usd, row.unpriced = asked.model, asked.cost_usd, asked.unpriced
    if asked.failure and not row.verdicts:
        row.status, row.status_reason = RunStatus.STOPPED, asked.failure
        return
    row.status_reason = asked.failure
    found = kappa_of(row.both_good, row.both_bad, row.judge_good, row.judge_bad)
    if found is None:
        row.status_reason = (
            f"{row.verdicts} verdicts, too few of one kind: at least 5 answers that reviewers left"
            " as they were and 5 that they didn't are needed."
        )
        return
    row.kappa, row.kappa_low, row.kappa_high = found.value, found.low, found.high


def _count(
    row: JudgeCalibration,
    verdict: ReviewersVerdict,
    good: float | None,
    pair: tuple[float, bool, bool] | None,
) -> None:
    if good is not None:
        row.verdicts += 1
        says_good = good >= GOOD_FROM
        row.both_good += says_good and verdict.is_good
        row.both_bad += not says_good and not verdict.is_good
        row.judge_good += says_good and not verdict.is_good
        row.judge_bad += not says_good and verdict.is_good
    if pair is not None:
        preference, swayed, to_first = pair
        row.pairs += 1
        row.pairs_right += preference == 1.0
        row.pairs_swayed += swayed
        row.swayed_to_first += swayed and to_first


async def _held(
    judge: Judge,
    enrichment: Enrichment,
    verdict: ReviewersVerdict,
    row: JudgeCalibration,
    asked: Asked,
) -> tuple[float | None, tuple[float, bool, bool] | None]:
    """What it says of the answer, and of the answer beside the reviewer's where there is one."""
    call = _call(enrichment, verdict.item, row.pk)
    answer = await _ask(judge.grading(call, verdict.seen), asked)
    good = None if answer is None else graded(answer)
    if verdict.better is None:
        return good, None
    return good, await _preferred(judge, call, verdict.seen, verdict.better, asked)


async def _preferred(
    judge: Judge, call: Call, first: Any, second: Any, asked: Asked
) -> tuple[float, bool, bool] | None:
    """0 to 1 as in `JudgedPair`, whether the place decided, and whether it was the first place."""
    both = [
        _ask(judge.comparing(call, first, second), asked),
        _ask(judge.comparing(call, second, first), asked),
    ]
    answers = (await together(both)).or_raise()
    if None in answers:
        return None
    there, back = (each.parsed["better"] for each in answers if each is not None)
    swayed = there == back and there in {A, B}
    if swayed:
        return 0.5, True, there == A
    leaning = {(A, B): 0.0, (B, A): 1.0}
    return leaning.get((there, back), 0.5), False, False


def _call(enrichment: Enrichment, item: Item, session: UUID) -> Call:
    call = call_for(enrichment, item, session_id=session, use_cache=False)
    return replace(call, labels=replace(call.labels, service_name=SERVICE))


async def _ask(call: Call, asked: Asked) -> Generation | None:
    """Its answer; None where there is none. The call is recorded."""
    told: list[tuple[CallRecord, Texts]] = []
    call = replace(call, correlation_id=None)
    try:
        answer = await client.agenerate(call, collect=lambda *pair: told.append(pair))
    except GenerationFailed as failure:
        asked.failure, answer = str(failure), None
    asked.calls += told
    return answer


def _run(coroutines: Sequence[Coroutine[Any, Any, Any]], asked: Asked) -> list[Any]:
    """Their values; what was paid is recorded, also where one of them raises."""
    try:
        return background_loop.run(together(coroutines)).or_raise()
    finally:
        calls, asked.calls = asked.calls, []
        record_calls(calls)
        for record, _ in calls:
            asked.cost_usd += record.cost_usd or Decimal(0)
            asked.unpriced += record.cost_usd is None
            asked.model = record.model or asked.model


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    waiting = iter(rows)
    while part := list(islice(waiting, AT_ONCE)):
        yield part
