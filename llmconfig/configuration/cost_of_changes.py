"""What a change of configuration would have cost on past calls, as an app above works it out."""

from collections.abc import Callable, Iterator, Sequence

from django.db import transaction
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import snapshot
from llmconfig.configuration.revisions import change
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.runtime.records import replace


class EstimateTookTooLong(LLMError):
    """The past calls are too many to be looked at while a person waits; the text says how long."""

    code = "took_too_long"


class DollarRange(Struct, frozen=True):
    """US dollars: below the first in one case of ten, below the last in nine."""

    p10: float
    p50: float
    p90: float


class NodeCost(Struct, frozen=True):
    """One node whose calls would go elsewhere or cost otherwise.

    `before` and `after` are the models as provider/model; blank: nobody would answer. Money is None
    where a price is unknown. `doubt` says what the range rests on, in a sentence, `quality` what is
    known of how good the models' answers are; blank: nothing is asked about it.
    """

    node: str
    calls: int
    before: str
    after: str
    before_usd: float | None
    after_usd: DollarRange | None
    doubt: str = ""
    quality: str = ""

    @property
    def difference(self) -> DollarRange | None:
        """What it would have cost more; less where it is negative."""
        if self.before_usd is None or self.after_usd is None:
            return None
        after = self.after_usd
        return DollarRange(*(each - self.before_usd for each in (after.p10, after.p50, after.p90)))


class CostOfChange(Struct, frozen=True):
    """All nodes that a change touches, of the calls of so many days; `total` is their sum.

    `total` is None where any node's difference is unknown.
    """

    days: int
    nodes: tuple[NodeCost, ...]
    total: DollarRange | None


# The configuration before and after, and whether a person waits for a page: then it may raise
# EstimateTookTooLong.
CostEstimator = Callable[[Snapshot, Snapshot, bool], CostOfChange]
# A node, and the models that answer it before and after, as provider/model.
QualityTeller = Callable[[str, str, str], str]
_ESTIMATORS: list[CostEstimator] = []
_QUALITY_TELLERS: list[QualityTeller] = []


def register_cost_estimator(estimator: CostEstimator) -> None:
    """Have changes estimated from the calls that an app above stores; the last one counts."""
    _ESTIMATORS[:] = [estimator]


def register_quality_teller(teller: QualityTeller) -> None:
    """Have it said how good a change's models are; the last one counts."""
    _QUALITY_TELLERS[:] = [teller]


def is_estimated() -> bool:
    """Whether any app stores the calls that an estimate takes."""
    return bool(_ESTIMATORS)


def cost_of_change(
    before: Snapshot, after: Snapshot, *, for_a_page: bool = False
) -> CostOfChange | None:
    """What it would have cost; None where no app stores calls.

    Raises EstimateTookTooLong for a page.
    """
    if not _ESTIMATORS:
        return None
    found = _ESTIMATORS[0](before, after, for_a_page)
    if not _QUALITY_TELLERS:
        return found
    return replace(found, nodes=tuple(map(_with_quality, found.nodes)))


def cost_of_saving(save: Callable[[], object]) -> CostOfChange | None:
    """The same of what `save` writes, which is taken back; raises what that raises, too."""
    with transaction.atomic():
        before = snapshot.load()
        with change(source="admin"):
            save()
        after = snapshot.load()
        transaction.set_rollback(True)
    snapshot.expire()
    return cost_of_change(before, after, for_a_page=True)


def _with_quality(cost: NodeCost) -> NodeCost:
    if cost.before == cost.after:
        return cost
    return replace(cost, quality=_QUALITY_TELLERS[0](cost.node, cost.before, cost.after))


def as_markdown(found: CostOfChange) -> str:
    """The estimate as a table, ready for a pull request."""
    head = f"### What this change would have cost on the last {found.days} days' calls\n"
    if not found.nodes:
        return f"{head}\nNothing: no node that was called would cost otherwise."
    lines = [
        head,
        "| node | calls | model | before | after | difference |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
        *(_line(each) for each in found.nodes),
        f"| **all** | {sum(each.calls for each in found.nodes):,} | | | | {_signed(found.total)} |",
        "",
        "At today's list prices; in brackets the range that holds in 8 of 10 cases.",
        *(f"- {each.node}: {note}" for each in found.nodes for note in notes(each)),
    ]
    return "\n".join(lines)


def notes(cost: NodeCost) -> Iterator[str]:
    """What a reader of the table has to know of a node."""
    if not cost.after:
        yield gettext("nobody would answer its calls any more.")
        return
    if cost.difference is None:
        yield gettext(
            "the price of {model} is unknown, so nobody can tell: enter it on the model's page, or"
            " under `models` in the nodes file."
        ).format(model=cost.before if cost.before_usd is None else cost.after)
    elif cost.doubt:
        yield cost.doubt
    if cost.quality:
        yield cost.quality


def _line(cost: NodeCost) -> str:
    model = cost.before or "nobody"
    if cost.after != cost.before:
        model = f"{model} → {cost.after or 'nobody'}"
    before = "unknown" if cost.before_usd is None else _dollars(cost.before_usd)
    after = "unknown" if cost.after_usd is None else _dollars(cost.after_usd.p50)
    cells = (cost.node, f"{cost.calls:,}", model, before, after, _signed(cost.difference))
    return f"| {' | '.join(cells)} |"


def _signed(found: DollarRange | None) -> str:
    if found is None:
        return "unknown"
    low, middle, high = (
        ("-" if each < 0 else "+") + _dollars(abs(each))
        for each in (found.p10, found.p50, found.p90)
    )
    if low == high:
        return "none" if _dollars(abs(found.p50)) == _dollars(0) else middle
    return f"{middle} ({low} to {high})"


def _dollars(amount: float) -> str:
    """With cents, and with hundredths of them where it is less than a dollar."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:,.4f}"


def total_of(nodes: Sequence[NodeCost], sums: Sequence[Sequence[float]]) -> DollarRange | None:
    """The range of the nodes' differences together, from as many equally likely cases of each."""
    if any(each.difference is None for each in nodes):
        return None
    return quantiles([sum(case) for case in zip(*sums, strict=True)] if sums else [0.0])


def quantiles(cases: Sequence[float]) -> DollarRange:
    """The range of equally likely cases."""
    ordered = sorted(cases)
    last = len(ordered) - 1
    return DollarRange(*(ordered[round(share * last)] for share in (0.1, 0.5, 0.9)))
