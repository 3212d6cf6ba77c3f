"""A cascade over a provider's batches: first the cheap model, then the dear one where it's needed.

Some rows are asked live to begin with, to learn from. The others go to the cheap model at half the
price; once the threshold is known, the rows that need the dear model, and the audits, go to that
one in a second round. Good cheap answers wait for the audits of their block: all of them are kept,
or none. Every step is in the database, so a death between the rounds costs nothing.
"""

import math
import uuid
from collections.abc import Sequence
from random import Random

from django.db.models import F, QuerySet

from enrichment.batches import cascades
from enrichment.cascades.steering import Decided, Phase, Way, from_json, settle, to_json
from enrichment.db_lookups import AnyOf
from enrichment.engine import cheap_answers, refusals, writing
from enrichment.engine.cascade_decisions import note_events
from enrichment.engine.cascading import cascade_of
from enrichment.engine.claims import Claim
from enrichment.engine.items import Outcome, load_items
from enrichment.engine.lane_cascade import LaneCascade
from enrichment.enrichments.contract import Enrichment
from enrichment.models import (
    BatchCascade,
    BatchChunk,
    CheapAnswer,
    ChunkStage,
    ChunkStatus,
    EnrichmentResult,
    ResultState,
)
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target

SPARE = 1.25  # rows that are asked to learn from, for each that is needed: some fail


def first_target(chunk: BatchChunk, enrichment: Enrichment) -> Target | None:
    """The cheap model that a chunk's rows go to first; None where they go to the dear one.

    Takes the rows to learn from out of the batch's chunks when it is the batch's first.
    """
    if chunk.stage != ChunkStage.FIRST or chunk.round:
        return None
    cascade = cascade_of(chunk.batch, enrichment)
    if cascade is None or not cascade.state.asks_cheap:
        return None
    if not _learners(chunk).exists():
        _part_learners(chunk, math.ceil(cascade.state.learning * SPARE))
    return cascades.at_providers(enrichment, cascade.model)


def is_learning(chunk: BatchChunk) -> bool:
    """Whether the rows that the batch's cascade learns from are still in work."""
    row = BatchCascade.objects.filter(pk=chunk.batch_id).first()
    state = None if row is None else from_json(row.state)
    if state is None or state.phase is not Phase.LEARNING or state.epoch:
        return False
    return _learners(chunk).exclude(status=ChunkStatus.DONE).exists()


def decide(chunk: BatchChunk, enrichment: Enrichment) -> None:
    """Part the rows of a chunk whose cheap answer is good enough from those for the dear model."""
    cascade, coin = cascade_of(chunk.batch, enrichment), Random()  # noqa: S311 - chance, no secret
    kept: list[str] = []
    answers = cheap_answers.of_rows(chunk.batch_id, chunk.variant, chunk.row_ids)
    for row_id, answer in answers.items():
        answer.way = _way(answer, cascade, coin)
        if answer.way == Way.CHEAP:
            kept.append(row_id)
    CheapAnswer.objects.bulk_update(answers.values(), ["way"])
    part(chunk, kept, ChunkStage.KEPT)
    chunk.stage = ChunkStage.DEAR
    chunk.save(update_fields=["stage"])


def _way(answer: CheapAnswer, cascade: LaneCascade | None, coin: Random) -> Way:
    kept = cheap_answers.read(answer)
    if kept is None or cascade is None or kept.state != ResultState.APPLIED:
        return Way.DEAR
    return cascade.state.way(cheap_answers.decided(answer, kept).score, coin)


def part(chunk: BatchChunk, rows: Sequence[str], stage: str) -> None:
    """Move rows of a chunk that is left to the provider to a chunk of their own."""
    if not rows:
        return
    apart = set(rows)
    chunk.row_ids = [row for row in chunk.row_ids if row not in apart]
    chunk.save(update_fields=["row_ids"])
    BatchChunk.objects.create(
        batch_id=chunk.batch_id,
        variant=chunk.variant,
        round=chunk.round,
        row_ids=list(rows),
        status=ChunkStatus.AWAY,
        due_at=chunk.due_at,
        stage=stage,
    )


def settle_kept(chunk: BatchChunk, enrichment: Enrichment) -> None:
    """Write a block's good cheap answers once its other rows have their results, or send them on.

    Too many caught errors send all of them to the dear model.
    """
    answers = cheap_answers.of_rows(chunk.batch_id, chunk.variant, chunk.row_ids)
    block = _settled_block(chunk, list(answers.values()))
    if block is None:
        return
    cascade, keeps = cascade_of(chunk.batch, enrichment), False
    if cascade is not None:
        row = BatchCascade.objects.select_for_update().get(pk=chunk.batch_id)
        before = from_json(row.state)
        state, keeps = settle(before, block, cascade.terms)
        row.state = to_json(state)
        note_events(row, before, state)
        row.save()
    kept = _kept(chunk, enrichment, answers) if keeps else []
    written = {each.item.row_id for each in kept}
    part(chunk, [row for row in chunk.row_ids if row not in written], ChunkStage.DEAR)
    mine = CheapAnswer.objects.filter(batch_id=chunk.batch_id, variant=chunk.variant)
    mine.filter(AnyOf(F("row_id"), sorted(written))).delete()
    late = [row for row in answers if row not in written]
    mine.filter(AnyOf(F("row_id"), late)).update(way=Way.DEAR, block=cheap_answers.SETTLED)
    if not written:
        chunk.delete()


def _settled_block(chunk: BatchChunk, kept: Sequence[CheapAnswer]) -> list[Decided] | None:
    """All that was decided with these answers; None while others of their block are in work."""
    blocks = {each.block for each in kept}
    found = list(
        CheapAnswer.objects.filter(batch_id=chunk.batch_id, variant=chunk.variant, block__in=blocks)
    )
    others = [each.row_id for each in found if each.way != Way.CHEAP]
    results = dict(
        EnrichmentResult.objects.filter(
            AnyOf(F("row_id"), others), batch_id=chunk.batch_id, variant=chunk.variant
        ).values_list("row_id", "cascade")
    )
    if len(results) < len(others):
        return None
    block = []
    for each in found:
        answer = cheap_answers.read(each)
        if answer is None:
            continue
        decided = cheap_answers.decided(each, answer)
        if each.way == Way.CHEAP:
            block.append(decided)
        elif told := results[each.row_id]:
            block.append(Decided(**{**told, "way": Way(told["way"])}))
        elif each.way == Way.AUDIT:  # nobody can tell: it counts as an error that was caught
            block.append(Decided(decided.score, Way.AUDIT, agrees=False, model=decided.model))
    return block


def _kept(
    chunk: BatchChunk, enrichment: Enrichment, answers: dict[str, CheapAnswer]
) -> list[Outcome]:
    """Write the cheap answers of the rows that say the same as then; gives what was written."""
    token = uuid.uuid4()
    BatchChunk.objects.filter(pk=chunk.pk).update(lease_token=token)
    claim = Claim(
        chunk.pk, token, chunk.variant, chunk.round, tuple(chunk.row_ids), alone=False, parked=False
    )
    items = load_items(
        enrichment, chunk.row_ids, variant=chunk.variant, claim=claim, facts_of_any_age=True
    )
    kept = []
    for item in items:
        found = cheap_answers.outcome_of(item, answers[item.row_id])
        if item.settled is not None:
            kept.append(Outcome(item, item.settled, reason=item.reason))
        elif found is not None:
            kept.append(found)
    if not kept:
        return []
    settings = snapshot.current().processing
    refusals.write(
        enrichment,
        kept,
        batch_id=chunk.batch_id,
        held=[claim],
        later_rounds=settings.get("max_retries", 0),
    )
    writing.finish([claim], retry_delay=settings.get("retry_delay", 0))
    return kept


def _learners(chunk: BatchChunk) -> "QuerySet[BatchChunk]":
    return BatchChunk.objects.filter(batch_id=chunk.batch_id, stage=ChunkStage.LEARN)


def _part_learners(chunk: BatchChunk, wanted: int) -> None:
    """Take that many rows out of the batch's chunks, by chance, for the lanes to ask live.

    Of one variant, so that they are one chunk's.
    """
    waiting = BatchChunk.objects.filter(
        batch_id=chunk.batch_id,
        variant=chunk.variant,
        status=ChunkStatus.AWAY,
        stage=ChunkStage.FIRST,
        round=0,
    )
    drawn = list(waiting.select_for_update(of=("self",)).order_by("?")[:wanted])
    each_gives, chance = math.ceil(wanted / len(drawn)), Random()  # noqa: S311
    taken: list[str] = []
    for other in drawn:
        rows = set(chance.sample(other.row_ids, min(each_gives, len(other.row_ids))))
        rows = set(sorted(rows)[: wanted - len(taken)])
        taken += [row for row in other.row_ids if row in rows]
        other.row_ids = [row for row in other.row_ids if row not in rows]
    BatchChunk.objects.bulk_update(drawn, ["row_ids"])
    BatchChunk.objects.create(
        batch_id=chunk.batch_id, variant=chunk.variant, row_ids=taken, stage=ChunkStage.LEARN
    )
    chunk.refresh_from_db(fields=["row_ids"])
