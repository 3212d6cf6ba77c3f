"""Reads the answers to a chunk's rows and writes them, as a lane would have."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from enrichment.engine import cheap_answers, refusals, writing
from enrichment.engine.cascading import cascade_of
from enrichment.engine.claims import Claim
from enrichment.engine.duplicates import shared_outcome
from enrichment.engine.items import Item, Outcome
from enrichment.engine.submissions import fall_back, hand_over
from enrichment.engine.submissions.calls import AS_SENT, as_sent, call_of, items_of, sharing
from enrichment.engine.submissions.reading import MAX_REPEATED, NO_LINES, SubmissionReading
from enrichment.models import (
    BatchChunk,
    BatchStatus,
    ChunkStage,
    ProviderBatchSubmission,
    SubmissionState,
)
from llmconfig.client.provider_batches import Polled, Result
from llmconfig.client.provider_batches.result_files import ResultFile
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot


class ResultsReading(SubmissionReading):
    """A chunk's results on their way into the database."""

    def begin(self) -> None:
        """Take the chunk, and see what is written of it already."""
        submission = self.submission
        chunk = BatchChunk.objects.select_related("batch").get(submissions=submission)
        self.chunk = submission.chunk = chunk
        self.claim = Claim(
            chunk.pk, uuid.uuid4(), chunk.variant, chunk.round, tuple(chunk.row_ids), False, False
        )
        BatchChunk.objects.filter(pk=chunk.pk).update(lease_token=self.claim.token)
        left = set(fall_back.unrecorded(chunk))
        rows = [row[0] for row in submission.rows]
        self.written = {place for place, row in enumerate(rows) if row not in left}
        self.cascade = cascade_of(chunk.batch, self.enrichment)

    def _as_stored(self, found: tuple[int, Outcome]) -> tuple[int, Outcome]:
        return found[0], refusals.as_stored(self.enrichment, found[1])

    def _read(self, part: Sequence[tuple[int, Result]]) -> list[tuple[int, Outcome]]:
        rows = self.submission.rows
        wanted = [row for place, _ in part for row in (rows[place][0], *sharing(rows[place]))]
        items = self._items(wanted)
        found: list[tuple[int, Outcome]] = []
        for place, result in part:
            row = rows[place]
            item = items[row[0]]
            outcome = self._outcome(item, result, row)
            outcome = self._merged(item, outcome)
            found.append((place, outcome))
            found += [(place, each) for each in _shared(outcome, row, items)]
        return found

    def _merged(self, item: Item, outcome: Outcome) -> Outcome:
        """With the cheap answer that the row had, where there is one."""
        if self.cascade is None or item.cheap is None:
            return outcome
        return self.cascade.with_dear(outcome, item.cheap)

    def _items(self, rows: Sequence[str]) -> dict[str, Item]:
        """These rows, in a cascade with the cheap answers that they had."""
        items = items_of(self.submission, self.enrichment, rows, self.claim)
        if self.cascade is None or self.chunk.stage in (ChunkStage.FIRST, ChunkStage.SCORE):
            return items
        waiting = cheap_answers.of_rows(self.chunk.batch_id, self.chunk.variant, rows)
        return {item.row_id: item for item in cheap_answers.with_cheap([*items.values()], waiting)}

    def _call(self, item: Item) -> Call:
        return call_of(self.submission, self.enrichment, item)

    def _has_changed(self, item: Item, row: Sequence[Any]) -> bool:
        return list(row[:AS_SENT]) != as_sent(item)

    def _put(self, outcomes: Sequence[Outcome]) -> None:
        settings = snapshot.current().processing
        writing.write(
            self.enrichment,
            outcomes,
            batch_id=self.chunk.batch_id,
            held=[self.claim],
            later_rounds=settings.get("max_retries", 0),
            cascade=self.cascade,
        )

    @transaction.atomic
    def end(self, polled: Polled, file: ResultFile) -> None:
        """End the submission and its chunk; rows that are left go on live, or all once more."""
        ours = self._locked()
        if ours is None:
            return
        chunk = BatchChunk.objects.select_related("batch").get(pk=self.chunk.pk)
        if self._is_to_be_repeated(chunk, polled):
            self._repeat(ours, chunk)
            return
        undone = self._undone(chunk)
        self.step("written")
        self._end_chunk(chunk, undone)
        ours.state, ours.detail = SubmissionState.APPLIED, self._story(undone, polled, file)
        ours.save(update_fields=["state", "detail"])
        fall_back.settle(ours)
        self._tell_what_goes_live(chunk, undone)

    def _undone(self, chunk: BatchChunk) -> list[str]:
        """The rows that have no answer, once those that need none are written."""
        return self._write_settled(fall_back.unrecorded(chunk))

    def _end_chunk(self, chunk: BatchChunk, undone: Sequence[str]) -> None:
        """End the chunk, with the rows without an answer in another one."""
        if undone:
            BatchChunk.objects.create(
                batch_id=chunk.batch_id,
                variant=chunk.variant,
                round=chunk.round,
                row_ids=undone,
                stage=chunk.stage,
            )
        chunk.refresh_from_db(fields=["failed_ids"])
        writing.finish(
            [self.claim], retry_delay=snapshot.current().processing.get("retry_delay", 0)
        )

    def _is_to_be_repeated(self, chunk: BatchChunk, polled: Polled) -> bool:
        return (
            self._found_nothing(polled)
            and chunk.batch.status != BatchStatus.CANCELLED
            and hand_over.handed_over_before(chunk) < MAX_REPEATED
        )

    def _repeat(self, ours: ProviderBatchSubmission, chunk: BatchChunk) -> None:
        ours.state = SubmissionState.REPEATED
        ours.detail = NO_LINES
        ours.save(update_fields=["state", "detail"])
        fall_back.settle(ours)
        BatchChunk.objects.filter(pk=chunk.pk).update(lease_token=None, due_at=Now())

    def _write_settled(self, rows: Sequence[str]) -> list[str]:
        """Write the rows that need no call; returns the others."""
        if not rows:
            return []
        items = items_of(self.submission, self.enrichment, rows, self.claim)
        settled = [
            Outcome(item, item.settled, reason=item.reason)
            for item in items.values()
            if item.settled
        ]
        self._put(settled)
        return [row for row in rows if items[row].settled is None]

    def _tell_what_goes_live(self, chunk: BatchChunk, undone: Sequence[str]) -> None:
        again = [] if chunk.batch.status == BatchStatus.CANCELLED else list(chunk.failed_ids)
        rows = [*undone, *again]
        if rows:
            why = self._why(undone) if undone else "their answers can't be used."
            fall_back.tell(chunk, self.enrichment, rows, why=why)


def _shared(outcome: Outcome, row: Sequence[Any], items: Mapping[str, Item]) -> list[Outcome]:
    """The same for the rows that share the call and still ask it; others go on live."""
    if row[:AS_SENT] != as_sent(outcome.item):
        return []
    rows = [items[each] for each in sharing(row)]
    return [shared_outcome(outcome, each) for each in rows if as_sent(each)[1:] == row[1:AS_SENT]]
