"""What a change would have cost at a node that has a cascade before it, after it, or both.

Rows of batches and single calls are told apart: each has its own share of good cheap answers.
"""

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.client.types import Usage
from llmconfig.configuration import prices
from llmconfig.configuration.cost_of_changes import NodeCost, quantiles
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import CascadeScore, InteractionType
from metrics.reports.past_calls import (
    IN_BATCHES,
    WENT_THROUGH,
    PastCall,
    Priced,
    first_target,
    name_of,
    price_of,
    priced,
    sample,
    total,
)

CASES = 400
SPREAD = 0.35  # of another model's answer length, as a standard deviation of its logarithm
TOKENIZER_SPREAD = 0.1  # the same of the tokens that it makes of a prompt
MAX_KEPT = 0.8  # of the rows, by a cascade that nobody has seen at work
KEPT_SPREAD = 0.05  # of a known share
JUDGES_TOKENS = 60  # of a judge's answer


class PricedCascade(Struct, frozen=True):
    """A node's cascade: its terms, who would be asked first, and who would judge that answer."""

    facts: CascadeFacts
    cheap: Target | None
    judge: Target | None = None

    @property
    def is_judged(self) -> bool:
        """Whether a judge's word is its score."""
        return self.facts.score == CascadeScore.JUDGE

    @property
    def asks(self) -> int:
        """How often the cheap model is asked about a row."""
        return 2 if self.facts.score == CascadeScore.AGREEMENT else 1


class Ways(Struct, frozen=True):
    """How a node is answered: by its own model, after a cheaper one if there is any."""

    own: Target | None
    cascade: PricedCascade | None

    @property
    def name(self) -> str:
        """The models in the order they are asked, for people."""
        own, cascade = name_of(self.own), self.cascade
        cheap = cascade and (name_of(cascade.cheap) or cascade.facts.model)
        return gettext("{cheap} first, then {own}").format(cheap=cheap, own=own) if cheap else own


class _Group(Struct, frozen=True):
    """The past calls of one kind that a cascade answered, or will.

    `first` are the cheap model's, `others` the own model's; `rows` is how many questions they
    answered: a batch's rows where `is_rows` says so. `kept` is the share whose cheap answer was
    good enough, None if that is unknown, and `may_pass` says that nobody knows how many of them a
    new cascade will answer.
    """

    is_rows: bool
    first: Sequence[PastCall]
    others: Sequence[PastCall]
    rows: float
    kept: float | None
    may_pass: bool = False

    @property
    def calls(self) -> list[PastCall]:
        """All past calls of the group, the cheap model's first."""
        return [*self.first, *self.others]

    @property
    def doubt(self) -> str:
        """What the share rests on, in a sentence."""
        if self.kept is not None:
            said = (
                gettext("{share} of the rows of its batches kept the cheap answer.")
                if self.is_rows
                else gettext("{share} of its single calls kept the cheap answer.")
            )
            return said.format(share=f"{100 * self.kept:.0f} %")
        if self.is_rows:
            return gettext(
                "how many rows' cheap answers are good enough is unknown: none to four fifths are"
                " assumed."
            )
        return gettext(
            "how many single calls' cheap answers are good enough is unknown: none to four fifths"
            " are assumed."
        )


def cascade_of(node: str, state: Snapshot) -> PricedCascade | None:
    """A node's cascade with its models' prices; None without one."""
    known = state.nodes.get(node)
    if known is None or known.cascade is None:
        return None
    facts, judge = known.cascade, None
    if facts.score == CascadeScore.JUDGE and known.judge is not None:
        judge = first_target(InteractionType.JUDGE.value, state, known.judge.model)
    return PricedCascade(facts, first_target(node, state, facts.model), judge)


def cascaded_cost(node: str, number: int, old: Ways, new: Ways) -> tuple[NodeCost, list[float]]:
    """A node's cost, and equally likely cases of its difference.

    Rows are told from their calls: with a cascade each has as many cheap calls as its score takes,
    and those that kept the cheap answer have no other.
    """
    calls = list(sample(node))
    scale = number / max(1, len(calls))
    groups = [_rows_of_batches(calls, old, new), _single_calls(calls, old, new)]
    grouped = {id(each) for group in groups for each in group.calls}
    alone = [each for each in calls if id(each) not in grouped]
    was = [total(alone, old.own)]
    for group in groups:
        cheap = old.cascade.cheap if old.cascade else None
        was += total(group.first, cheap), _judging(group.first, old.cascade)
        was.append(total(group.others, old.own))
    before = None if None in was else scale * sum(each or 0.0 for each in was)
    cases = [scale * each for each in _cases(node, groups, alone, new)]
    after = quantiles(cases) if cases else None
    cost = NodeCost(node, number, old.name, new.name, before, after, _doubt(groups, new))
    return cost, [each - (before or 0.0) for each in cases] or [0.0] * CASES


def _rows_of_batches(calls: Sequence[PastCall], old: Ways, new: Ways) -> _Group:
    ours = [each for each in calls if each.service == IN_BATCHES and not each.way]
    first = [each for each in ours if _is_cheap(each, old)]
    others = [each for each in ours if not _is_cheap(each, old)]
    rows = len(first) / old.cascade.asks if old.cascade and first else float(len(others))
    kept = max(0.0, 1 - len(others) / rows) if first and rows else None
    return _Group(True, first, others, rows, None if _differ(old, new) else kept)


def _single_calls(calls: Sequence[PastCall], old: Ways, new: Ways) -> _Group:
    """Those that a cascade answered; before there was one, those that it may answer."""
    own = old.own.model_id if old.own else ""
    answers = [each for each in calls if each.way in WENT_THROUGH and not each.is_beside]
    if old.cascade and answers:
        first = [each for each in calls if each.way in WENT_THROUGH and _is_cheap(each, old)]
        others = [each for each in answers if not _is_cheap(each, old)]
        kept = None if _differ(old, new) else sum(_is_kept(each) for each in answers) / len(answers)
        return _Group(False, first, others, float(len(answers)), kept)
    score = new.cascade.facts.score if new.cascade else ""
    may = score not in {"", CascadeScore.GATES} and not old.cascade  # gates are of rows alone
    found = [each for each in calls if may and each.is_single and each.model == own]
    return _Group(False, (), found, float(len(found)), None, may_pass=True)


def _is_kept(call: PastCall) -> bool:
    return call.way == "kept"


def _is_cheap(call: PastCall, ways: Ways) -> bool:
    cheap = ways.cascade.cheap if ways.cascade else None
    return cheap is not None and call.model == cheap.model_id


def _differ(old: Ways, new: Ways) -> bool:
    """Whether what another cheap model or target keeps is another share."""
    was, will = old.cascade, new.cascade
    return was is not None and will is not None and was.facts != will.facts


def _cases(
    node: str, groups: Sequence[_Group], alone: Sequence[PastCall], new: Ways
) -> list[float]:
    """Equally likely sums after the change; empty where a price is unknown."""
    others = total(alone, new.own)
    drawn = [list(_of_group(f"{node} {at}", group, new)) for at, group in enumerate(groups)]
    if others is None or not all(drawn):
        return []
    return [others + sum(each) for each in zip(*drawn, strict=True)]


def _of_group(seed: str, group: _Group, new: Ways) -> Iterator[float]:
    calls, cascade = group.calls, new.cascade
    own = priced(calls, new.own)
    cheap = priced(calls, cascade.cheap) if cascade else Priced([], [])
    judging = _judging(calls, cascade)
    if own is None or cheap is None or judging is None:
        return
    rng, number = random.Random(seed), max(1, len(calls))  # noqa: S311 - the same change, the same text
    asks, known = (cascade.asks if cascade else 0), _own_share(calls, new.own)
    for _ in range(CASES):
        dear_row = _row(own, known, rng) / number
        if not cascade:
            yield group.rows * dear_row
            continue
        passing = rng.random() if group.may_pass else 1.0
        first = asks * _row(cheap, 0.0, rng) + judging * rng.lognormvariate(0, SPREAD)
        more = first / number - _kept(group.kept, rng) * dear_row
        yield group.rows * (dear_row + passing * more)


def _judging(calls: Sequence[PastCall], cascade: PricedCascade | None) -> float | None:
    """What a judge's word on the answer of each call costs; None where its price is unknown.

    It reads what was asked and the answer.
    """
    if cascade is None or not cascade.is_judged:
        return 0.0
    price = None if cascade.judge is None else price_of(cascade.judge)
    costs = [
        prices.cost(
            Usage(input=call.usage.tokens_input + call.usage.tokens_output, output=JUDGES_TOKENS),
            price,
            moment=call.at,
        )
        for call in calls
    ]
    return None if None in costs else float(sum(filter(None, costs), Decimal(0)))


def _kept(known: float | None, rng: random.Random) -> float:
    if known is None:
        return rng.uniform(0, MAX_KEPT)
    return min(1.0, max(0.0, rng.gauss(known, KEPT_SPREAD)))


def _own_share(calls: Sequence[PastCall], target: Target | None) -> float:
    """How many of the calls the target's model made itself."""
    model = target.model_id if target is not None else ""
    return sum(call.model == model for call in calls) / max(1, len(calls))


def _row(found: Priced, own: float, rng: random.Random) -> float:
    """The calls' sum, of which a share `own` is known and the rest is another model's."""
    prompts, answers = sum(found.prompts), sum(found.answers)
    foreign = prompts * rng.lognormvariate(0, TOKENIZER_SPREAD) + answers * rng.lognormvariate(
        0, SPREAD
    )
    return own * (prompts + answers) + (1 - own) * foreign


def _doubt(groups: Sequence[_Group], new: Ways) -> str:
    asked = [group for group in groups if group.rows]
    if new.cascade is None:
        return gettext("without its cascade the node's own model answers each row and each call.")
    said = [group.doubt for group in asked]
    if any(group.may_pass for group in asked):
        said.append(
            gettext(
                "Which of its single calls go through it is unknown, too (streams and callers that"
                " name a model don't): none to all are assumed."
            )
        )
    if new.cascade.is_judged:
        said.append(gettext("A judge reads each cheap answer."))
    return " ".join(said)
