"""The round in which cheap answers get their score, where a second call tells it.

It is a submission of its own between the cheap model's and the wait: the other sample of the cheap
model, or the judge's word on the first. What it comes to is noted with the cheap answer in the
transaction that records the call. A cheap answer without it scores 0, so the dear model answers.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from enrichment.batches import cascades
from enrichment.engine import cheap_answers
from enrichment.engine.cascade_decisions import score_of_two
from enrichment.engine.cascading import cascade_of
from enrichment.engine.grading import grade_outcome
from enrichment.engine.items import Item, Outcome, judged, load_items
from enrichment.engine.submissions import two_rounds
from enrichment.engine.submissions.cheap_results import CheapReading
from enrichment.enrichments.contract import Enrichment
from enrichment.models import BatchChunk, CheapAnswer, ChunkStage, ResultState
from llmconfig.client.provider_batches.answers import Answered
from llmconfig.client.types import Generation
from llmconfig.configuration.resolution import Target
from llmconfig.models import CascadeScore


class HandedTo(Struct, frozen=True):
    """Whom a submission asks, None where its provider has no batches; `cheap`: the cheap model."""

    target: Target | None
    cheap: bool


def prepare(chunk: BatchChunk, enrichment: Enrichment) -> bool:
    """Whether a chunk has anything to be scored; the rows that haven't wait with the others."""
    answers = cheap_answers.of_rows(chunk.batch_id, chunk.variant, chunk.row_ids)
    items = load_items(enrichment, chunk.row_ids, variant=chunk.variant, facts_of_any_age=True)
    wanted = {item.row_id for item in items if _is_to_be_scored(item, answers)}
    if not wanted or asked(chunk, enrichment).target is None:
        chunk.stage = ChunkStage.WAIT
        chunk.save(update_fields=["stage"])
        return False
    rest = [row for row in chunk.row_ids if row not in wanted]
    two_rounds.part(chunk, rest, ChunkStage.WAIT)
    return True


def asked(chunk: BatchChunk, enrichment: Enrichment) -> HandedTo:
    """Who scores a chunk's cheap answers; nobody where the cascade rests or has ended."""
    cascade = cascade_of(chunk.batch, enrichment)
    if cascade is None or not cascade.state.asks_cheap:
        return HandedTo(None, cheap=False)
    if cascade.judge is None:
        return HandedTo(cascades.at_providers(enrichment, cascade.model), cheap=True)
    return HandedTo(cascades.judge_at_providers(cascade.judge), cheap=False)


def _is_to_be_scored(item: Item, answers: Mapping[str, CheapAnswer]) -> bool:
    answer = answers.get(item.row_id)
    if answer is None or item.settled is not None or cheap_answers.is_scored(answer):
        return False
    cheap = cheap_answers.outcome_of(item, answer)
    return cheap is not None and cheap.state == ResultState.APPLIED


def with_answers(chunk: BatchChunk, items: Iterable[Item]) -> list[Item]:
    """The items with their cheap answers, also of rows that say something else by now."""
    return cheap_answers.with_kept(list(items), batch_id=chunk.batch_id, variant=chunk.variant)


class ScoreReading(CheapReading):
    """One submission's scores on their way to the cheap answers that they are for."""

    next_stage = ChunkStage.WAIT

    def begin(self) -> None:
        """As others; what has its score isn't taken again."""
        super().begin()
        rows = [row[0] for row in self.submission.rows]
        there = cheap_answers.of_rows(self.chunk.batch_id, self.chunk.variant, rows)
        self.written = {
            place
            for place, row in enumerate(rows)
            if row in there and cheap_answers.is_scored(there[row])
        }

    def _items(self, rows: Sequence[str]) -> dict[str, Item]:
        items = super()._items(rows)
        found = with_answers(self.chunk, items.values())
        return {item.row_id: item for item in found}

    def _as_stored(self, found: tuple[int, Outcome]) -> tuple[int, Outcome]:
        return found  # no column gets it

    def _merged(self, item: Item, outcome: Outcome) -> Outcome:
        return outcome

    def _judged(self, item: Item, outcome: Generation, answer: Answered) -> Outcome:
        kind = judged if self.submission.asks_cheap else grade_outcome
        return kind(self.enrichment, item, outcome, answer.texts)

    def _keep(self, paid: Sequence[Outcome]) -> None:
        score = CascadeScore.AGREEMENT if self.submission.asks_cheap else CascadeScore.JUDGE
        scores = {
            each.item.row_id: score_of_two(score, self.enrichment, each.item.cheap, each)
            for each in paid
            if each.item.cheap is not None
        }
        judges = score == CascadeScore.JUDGE
        cheap_answers.score(paid, scores, batch_id=self.chunk.batch_id, by_judge=judges)
