"""Reads the answers of a submission to a cascade's cheap model: they are recorded, and wait."""

from collections.abc import Sequence

from django.db.models.functions import Now

from enrichment.engine import cheap_answers
from enrichment.engine.items import Item, Outcome
from enrichment.engine.lane_cascade import unfinished
from enrichment.engine.submissions.results import ResultsReading
from enrichment.models import BatchChunk, ChunkStage
from llmconfig.client.provider_batches.answers import Answered
from llmconfig.client.types import Generation


class CheapReading(ResultsReading):
    """One submission's cheap answers on their way into the database.

    Their calls are recorded and counted now; what becomes of the rows is decided afterwards.
    """

    @property
    def next_stage(self) -> ChunkStage:
        """What the chunk is for afterwards: where a second call tells the scores, for that."""
        scores = self.cascade is not None and self.cascade.takes_second
        return ChunkStage.SCORE if scores else ChunkStage.WAIT

    def begin(self) -> None:
        """As others; what is kept already isn't taken again."""
        super().begin()
        rows = [row[0] for row in self.submission.rows]
        there = cheap_answers.of_rows(self.chunk.batch_id, self.chunk.variant, rows)
        self.written |= {place for place, row in enumerate(rows) if row in there}

    def _judged(self, item: Item, outcome: Generation, answer: Answered) -> Outcome:
        if self.cascade is None:
            return super()._judged(item, outcome, answer)
        return self.cascade.judged(self.enrichment, item, outcome, answer.texts)

    def _put(self, outcomes: Sequence[Outcome]) -> None:
        paid = [each for each in outcomes if each.record is not None]
        super()._put([unfinished(each) for each in paid])
        self._keep(paid)

    def _keep(self, paid: Sequence[Outcome]) -> None:
        """Keep what was answered, in the transaction that records its calls."""
        cheap_answers.keep(paid, batch_id=self.chunk.batch_id, block=self.submission.pk)

    def _undone(self, chunk: BatchChunk) -> list[str]:
        rows = [row[0] for row in self.submission.rows]
        return [row for place, row in enumerate(rows) if place not in self.written]

    def _end_chunk(self, chunk: BatchChunk, undone: Sequence[str]) -> None:
        """Have the rows decided; those without a cheap answer go to the dear model with others."""
        BatchChunk.objects.filter(pk=chunk.pk).update(
            stage=self.next_stage, lease_token=None, due_at=Now()
        )

    def _tell_what_goes_live(self, chunk: BatchChunk, undone: Sequence[str]) -> None:
        """Nothing does."""
