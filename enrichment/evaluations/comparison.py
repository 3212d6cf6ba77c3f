"""Two runs over one set, case by case: what differs first, and what may be said of it."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from enrichment.evaluations.measures import Difference, chrf, differences, fewest_cases
from enrichment.evaluations.recorded import kind_of
from enrichment.judging import Judge, judge_of, why_it_may_not_decide
from enrichment.models import JudgedPair, ResultState
from enrichment.models.evaluations import EvaluationAnswer, EvaluationRun

# Measures by name, as a person reads them.
PASSES = "passes the gates"
AGREES = "agrees with the wanted answer"
LIKENESS = "share of parts as wanted"
CHRF = "chrF to the wanted text"
LENGTH = "length, as a share of the wanted text's"
FIELD = "field {name} as wanted"
PREFERRED = "preferred by the judge"
MAX_FIELDS = 20
MAX_LENGTH = 3.0  # as a share; one answer that ran wild says no more than that


class CasePair(Struct, frozen=True):
    """One case's answers in both runs; `alike` is from 0 to 1, 1 says the same."""

    row_id: str
    wanted: Any
    first: EvaluationAnswer
    second: EvaluationAnswer
    alike: float

    @property
    def differs(self) -> bool:
        """Whether the answers say something else, or one of them isn't good enough to apply."""
        return self.alike < 1 or self.first.state != self.second.state

    @property
    def is_comparable(self) -> bool:
        """Whether a judge may be asked which is better: both answer, and not the same."""
        return self.alike < 1 and None not in (self.first.value, self.second.value)


class RunComparison(Struct, frozen=True):
    """`cases` begin with those that differ most; `differences` are the measures' intervals.

    Nothing is better but what an interval shows: `verdict` says that in a sentence.
    """

    first: EvaluationRun
    second: EvaluationRun
    cases: list[CasePair]
    differing: int
    wanted: int
    differences: list[Difference]
    judged: "JudgedShare | None" = None

    @property
    def verdict(self) -> str:
        """What may be said of the two."""
        shown = [each for each in self.differences if each.verdict]
        if not self.cases:
            return "No case has an answer in both runs."
        if not shown and len(self.cases) < (least := fewest_cases(len(self.differences))):
            return f"{len(self.cases)} rows are too few to show a difference; {least} could."
        if not shown:
            return "No difference is shown: each interval holds 0."
        return " ".join(f"The {each.verdict} is higher: {each.measure}." for each in shown)


class JudgedShare(Struct, frozen=True):
    """How many of the pairs that differ a judge has compared, and where the place decided.

    `rests` says why its preference isn't among the measures; blank: it is.
    """

    pairs: int
    of: int
    swayed: int
    rests: str


def compare(first: EvaluationRun, second: EvaluationRun) -> RunComparison:
    """The two runs by the cases that both have answered; raises BadSelection for other sets."""
    if first.evaluation_set_id != second.evaluation_set_id:
        said = "second: the runs are over two sets, or two versions of one; compare runs over one."
        raise BadSelection(said, field="second")
    enrichment = kind_of(first.evaluation_set)
    others = {each.case_id: each for each in second.answers.all()}
    cases = [
        CasePair(
            answer.case.row_id,
            answer.case.wanted,
            answer,
            others[answer.case_id],
            _alike(enrichment, answer, others[answer.case_id]),
        )
        for answer in first.answers.select_related("case").order_by("case_id")
        if answer.case_id in others
    ]
    cases.sort(key=lambda each: (not each.differs, each.alike))
    measures = _pairs(enrichment, cases)
    preferences, judged = _judged(enrichment, cases)
    if judged is not None and judged.pairs and not judged.rests:
        measures[PREFERRED] = preferences
    return RunComparison(
        first=first,
        second=second,
        cases=cases,
        differing=sum(each.differs for each in cases),
        wanted=sum(each.wanted is not None for each in cases),
        differences=differences(measures),
        judged=judged,
    )


def _judged(
    enrichment: Enrichment, cases: list[CasePair]
) -> tuple[list[tuple[float, float]], JudgedShare | None]:
    """What the enrichment's judge said of each pair; equal answers are as good as each other."""
    judge = judge_of(enrichment)
    if judge is None:
        return [], None
    said = judged_pairs(judge, cases)
    preferences = []
    for case in cases:
        found = said.get(case.row_id)
        if found is not None:
            preferences.append((1 - found.preference, found.preference))
        elif case.alike >= 1:
            preferences.append((0.5, 0.5))
    rests = why_it_may_not_decide(judge)
    to_ask = sum(each.is_comparable for each in cases)
    swayed = sum(each.swayed for each in said.values())
    return preferences, JudgedShare(len(said), to_ask, swayed, rests)


def judged_pairs(judge: Judge, cases: list[CasePair]) -> dict[str, JudgedPair]:
    """What a judge said of pairs, by row and as they stand here, whichever run came first then."""
    places = {
        pair: case.row_id
        for case in cases
        for pair in ((case.first.pk, case.second.pk), (case.second.pk, case.first.pk))
    }
    ids = [each for pair in places for each in pair]
    stored = JudgedPair.objects.filter(judge=judge.key, first_id__in=ids, second_id__in=ids)
    here = {(case.first.pk, case.second.pk) for case in cases}
    found: dict[str, JudgedPair] = {}
    for each in stored:
        pair = (each.first_id, each.second_id)
        if pair not in places:
            continue
        if pair not in here:
            each.preference = 1 - each.preference
        found[places[pair]] = each
    return found


def _alike(enrichment: Enrichment, one: EvaluationAnswer, other: EvaluationAnswer) -> float:
    return enrichment.similarity(one.value, other.value)


def _pairs(enrichment: Enrichment, cases: list[CasePair]) -> dict[str, list[tuple[float, float]]]:
    """Each measure's values in the first and second run, by case."""
    found: dict[str, list[tuple[float, float]]] = {PASSES: []}
    for case in cases:
        found[PASSES].append((_passes(case.first), _passes(case.second)))
        if case.wanted is None:
            continue
        one = dict(_measured(enrichment, case.first.value, case.wanted))
        other = dict(_measured(enrichment, case.second.value, case.wanted))
        for name, value in one.items():
            found.setdefault(name, []).append((value, other[name]))
    return found


def _passes(answer: EvaluationAnswer) -> float:
    return float(answer.state == ResultState.APPLIED)


def _measured(enrichment: Enrichment, value: Any, wanted: Any) -> Iterator[tuple[str, float]]:
    """What fits the kind of answer: parts and fields for JSON, chrF and length for texts."""
    likeness = enrichment.similarity(value, wanted)
    yield AGREES, float(likeness >= 1)
    if isinstance(wanted, str):
        text = value if isinstance(value, str) else ""
        yield CHRF, chrf(text, wanted)
        yield LENGTH, min(MAX_LENGTH, len(text) / max(1, len(wanted)))
        return
    yield LIKENESS, likeness
    if isinstance(wanted, dict):
        fields = value if isinstance(value, dict) else {}
        for name in sorted(wanted)[:MAX_FIELDS]:
            same = enrichment.similarity(fields.get(name), wanted[name]) >= 1
            yield FIELD.format(name=name), float(same)
