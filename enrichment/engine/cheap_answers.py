"""Cheap answers of providers' batches, kept in the database while their rows wait for the dear one.

Their calls are recorded when they come, so that nothing is paid and unknown for a day; what is kept
is the answer.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import F

from enrichment.cascades.steering import Decided, Way
from enrichment.db_lookups import AnyOf
from enrichment.engine.answer_spool import KeptAnswer
from enrichment.engine.grading import GOOD_FROM
from enrichment.engine.items import Item, Outcome, kept_of, restored
from enrichment.models import CheapAnswer
from llmconfig.client.recording.disk_format import line_of, read_line
from llmconfig.client.recording.recorders import Texts
from llmconfig.runtime.records import replace
from metrics.recording import NO_RESULTS

logger = logging.getLogger(__name__)

NO_TEXTS = Texts("", "")  # they are in the call's record
SETTLED = UUID(int=0)  # in place of the block of answers that were settled, and not kept


def keep(outcomes: Iterable[Outcome], *, batch_id: UUID, block: UUID) -> None:
    """Keep cheap answers that came with a submission, in the transaction that records them."""
    CheapAnswer.objects.bulk_create(
        [
            CheapAnswer(
                batch_id=batch_id,
                variant=each.item.variant,
                row_id=each.item.row_id,
                block=block,
                answer=line_of(kept).decode(),
            )
            for each in outcomes
            if (kept := kept_of(replace(each, texts=None))) is not None
        ],
        ignore_conflicts=True,
    )


def of_rows(batch_id: UUID, variant: str, rows: Sequence[str]) -> dict[str, CheapAnswer]:
    """What is kept of these rows, by row."""
    found = CheapAnswer.objects.filter(AnyOf(F("row_id"), rows), batch_id=batch_id, variant=variant)
    return {each.row_id: each for each in found}


def read(answer: CheapAnswer) -> KeptAnswer | None:
    """The answer; None for one that another release wrote in another form."""
    try:
        return read_line(KeptAnswer, answer.answer.encode())
    except ValueError as error:
        logger.warning("A cheap answer can't be read: %s", error)
        return None


def decided(answer: CheapAnswer, kept: KeptAnswer) -> Decided:
    """Its score, and the way that its row goes; undecided ones go to the dear model."""
    found = kept.decided or Decided(0.0, Way.DEAR, model=kept.record.model)
    return replace(found, way=Way(answer.way or Way.DEAR))


def outcome_of(item: Item, answer: CheapAnswer) -> Outcome | None:
    """The outcome that was kept, its call being recorded; None if the row says something else."""
    kept = read(answer)
    version = item.prompt.version if item.prompt else None
    if kept is None or (kept.input_hash, kept.prompt_version) != (item.input_hash, version):
        return None
    return _outcome(item, answer, kept)


def _outcome(item: Item, answer: CheapAnswer, kept: KeptAnswer) -> Outcome:
    costs = [kept.record.cost_usd, *(record.cost_usd for record, _ in kept.beside)]
    return replace(
        restored(item, kept),
        record=None,
        answered_by=kept.record,
        paid_before=None if None in costs else sum(filter(None, costs), Decimal(0)),
        check_results=NO_RESULTS,
        decided=decided(answer, kept),
        beside=(),
    )


def with_kept(items: Sequence[Item], *, batch_id: UUID, variant: str) -> list[Item]:
    """The items with the cheap answers that they had, also those that say something else now."""
    answers = of_rows(batch_id, variant, [item.row_id for item in items])
    found = []
    for item in items:
        answer = answers.get(item.row_id)
        kept = None if answer is None else read(answer)
        cheap = None if answer is None or kept is None else _outcome(item, answer, kept)
        found.append(replace(item, cheap=cheap))
    return found


def score(
    paid: Sequence[Outcome], scores: Mapping[str, float], *, batch_id: UUID, by_judge: bool
) -> None:
    """Note with cheap answers the second calls that score them, and what these told.

    `scores` has them by row, from 0 to 1; `by_judge`: a judge said so. To be called in the
    transaction that records the calls.
    """
    by_row = {each.item.row_id: each for each in paid}
    variant = paid[0].item.variant if paid else ""
    answers = of_rows(batch_id, variant, list(by_row))
    noted = []
    for row_id, answer in answers.items():
        kept, record = read(answer), by_row[row_id].record
        if kept is None or record is None:
            continue
        told = kept.decided or Decided(0.0, Way.DEAR, model=kept.record.model)
        told = replace(told, score=scores.get(row_id, 0.0))
        kept = replace(
            kept,
            decided=told,
            beside=(*kept.beside, (record, NO_TEXTS)),
            judged_good=by_judge and told.score >= GOOD_FROM,
        )
        answer.answer = line_of(kept).decode()
        noted.append(answer)
    CheapAnswer.objects.bulk_update(noted, ["answer"])


def is_scored(answer: CheapAnswer) -> bool:
    """Whether its second call was made."""
    kept = read(answer)
    return kept is not None and bool(kept.beside)


def with_cheap(items: Sequence[Item], answers: Mapping[str, CheapAnswer]) -> list[Item]:
    """The items for the dear model alone, each with the cheap answer that it may have.

    Where others of its block are to be kept, its outcome is settled with them; else by itself.
    One that would have been kept came too late for that: it counts as any other that isn't.
    """
    found = []
    blocks = {each.block for each in answers.values()}
    together = CheapAnswer.objects.filter(block__in=blocks, way=Way.CHEAP) if blocks else ()
    waits = {each.block for each in together} | {SETTLED}
    for item in items:
        answer = answers.get(item.row_id)
        cheap = None if answer is None else outcome_of(item, answer)
        if cheap is not None and cheap.decided is not None and cheap.decided.is_cheap:
            cheap = replace(cheap, decided=replace(cheap.decided, way=Way.DEAR))
        # Whoever has an answer isn't asked again, even where it can't be used any more.
        if answer is None:
            found.append(item)
        else:
            alone = cheap is None or answer.block in waits
            found.append(replace(item, cheap=cheap, dear=alone))
    return found
