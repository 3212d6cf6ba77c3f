"""Reads the answers of an ended submission and writes them, slice by slice.

The provider's file lies on the disk meanwhile, so memory holds one slice however long it is. Each
slice is one transaction; after a death the rows that are written are skipped.
"""

import logging
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from enrichment.engine import cheap_answers, refusals, writing
from enrichment.engine.cascading import cascade_of
from enrichment.engine.claims import Claim
from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.duplicates import shared_outcome
from enrichment.engine.items import Item, Outcome, broken_by, cut_short, judged
from enrichment.engine.submissions import fall_back, hand_over
from enrichment.engine.submissions.calls import (
    AS_SENT,
    CHANGED,
    Step,
    as_sent,
    call_of,
    items_of,
    place_of,
    sharing,
)
from enrichment.enrichments.contract import Enrichment
from enrichment.models import (
    BatchChunk,
    BatchStatus,
    ProviderBatchSubmission,
    ResultState,
    SubmissionState,
)
from enrichment.quality_report import check_results_of_failure
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.provider_batches import Polled, Result, errands, money
from llmconfig.client.provider_batches.answers import Answered
from llmconfig.client.provider_batches.answers import read as read_answer
from llmconfig.client.provider_batches.result_files import ResultFile
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target

logger = logging.getLogger(__name__)

# A batch that ended without a line about any of its calls is handed over again so often.
MAX_REPEATED = 2
MAX_ROWS_NAMED = 5  # for each reason, on the batch's page
MAX_REASONS_NAMED = 5
NO_LINE = "the results don't have it"


@dataclass(slots=True)
class _Found:
    """What the results of one submission hold, beside the answers."""

    answers: int = 0
    reasons: dict[int, str] = field(default_factory=dict)  # by place, why there is no answer
    foreign: int = 0  # results for ids that aren't ours
    repeated: int = 0  # further answers to the same call
    unreadable: int = 0  # lines of which not even the id can be read

    @property
    def nothing(self) -> bool:
        """No line says anything about a call of ours."""
        return not (self.answers or self.reasons or self.unreadable)


def read(reading: "ResultsReading", polled: Polled) -> None:
    """Fetch the results, write them, and end the submission.

    Rows without an answer go on live. Raises SubmissionFailed: then it is to be read again.
    """
    external_id = reading.submission.external_id
    file = errands.results(reading.target, snapshot.current(), external_id=external_id)
    with closing(file):
        reading.step("read")
        reading.begin()
        for part in file.slices():
            reading.take(part)
        reading.end(polled, file)


class ResultsReading:
    """One submission's results on their way into the database."""

    def __init__(
        self,
        submission: ProviderBatchSubmission,
        enrichment: Enrichment,
        target: Target,
        step: Step,
    ) -> None:
        self.submission = submission
        self.enrichment = enrichment
        self.target = target
        self.step = step
        self.found = _Found()
        self.answered: set[int] = set()
        self.written: set[int] = set()

    def begin(self) -> None:
        """Take the chunk, and see what is written of it already."""
        submission = self.submission
        chunk = BatchChunk.objects.select_related("batch").get(pk=submission.chunk_id)
        self.chunk = submission.chunk = chunk
        self.claim = Claim(
            chunk.pk, uuid.uuid4(), chunk.variant, chunk.round, tuple(chunk.row_ids), False, False
        )
        BatchChunk.objects.filter(pk=chunk.pk).update(lease_token=self.claim.token)
        left = set(fall_back.unrecorded(chunk))
        rows = [row[0] for row in submission.rows]
        self.written = {place for place, row in enumerate(rows) if row not in left}
        self.cascade = cascade_of(chunk.batch, self.enrichment)

    def take(self, part: Sequence[Result]) -> None:
        """Write the answers among these results, and note what the others say."""
        fresh: dict[int, Result] = {}
        for result in part:
            place = place_of(self.submission, result.custom_id)
            if place is None:
                if result.custom_id:
                    self.found.foreign += 1
                else:
                    self.found.unreadable += 1
            elif result.value is None:
                self.found.reasons[place] = result.reason
            elif place in self.answered:
                self.found.repeated += 1
            else:
                self.answered.add(place)
                self.found.answers += 1
                if place not in self.written:
                    fresh[place] = result
        if fresh:
            self._write(fresh)

    def _write(self, fresh: dict[int, Result]) -> None:
        """Write these answers; what can't be written costs its row."""
        outcomes: list[tuple[int, Outcome]] = []
        refusals.by_halves(
            list(fresh.items()), lambda part: outcomes.extend(self._read(part)), self._unreadable
        )
        taken = refusals.storable(outcomes, self._as_stored, self._refused)
        if taken:
            refusals.by_halves(taken, self._store, self._refused)

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
            outcome = self._outcome(item, result, same=row[:AS_SENT])
            if self.cascade is not None and item.cheap is not None:
                outcome = self.cascade.with_dear(outcome, item.cheap)
            found.append((place, outcome))
            found += [(place, each) for each in _shared(outcome, row, items)]
        return found

    def _items(self, rows: Sequence[str]) -> dict[str, Item]:
        """These rows, in a cascade with the cheap answers that they had."""
        items = items_of(self.submission, self.enrichment, rows, self.claim)
        if self.cascade is None or self.submission.asks_cheap:
            return items
        waiting = cheap_answers.of_rows(self.chunk.batch_id, self.chunk.variant, rows)
        return {item.row_id: item for item in cheap_answers.with_cheap([*items.values()], waiting)}

    def _unreadable(self, found: tuple[int, Result], error: Exception) -> None:
        """An answer of which not even the price can be told: its row goes on live."""
        place = found[0]
        logger.error("Submission %s: a result.", self.submission.pk, exc_info=error)
        self.answered.discard(place)
        self.found.reasons[place] = f"its answer can't be read: {type(error).__name__}"

    def _refused(self, found: tuple[int, Outcome], error: Exception) -> None:
        place, outcome = found
        refusals.store_failed(outcome, error, lambda failed: self._store([(place, failed)]))

    @transaction.atomic
    def _store(self, some: Sequence[tuple[int, Outcome]]) -> None:
        """Rows, results, call records and what they cost in one transaction."""
        ours = self._locked()
        if ours is None:
            return
        outcomes = [outcome for _, outcome in some]
        self._put(outcomes)
        costs = self._costs(ours, outcomes)
        self.step("written")
        ours.costs = {str(key): str(cost) for key, cost in costs.items()}
        ours.save(update_fields=["costs"])
        transaction.on_commit(lambda: self.written.update(place for place, _ in some))

    def _locked(self) -> ProviderBatchSubmission | None:
        """The submission, unless it has ended meanwhile."""
        ours = ProviderBatchSubmission.objects.select_for_update().get(pk=self.submission.pk)
        return ours if ours.state == SubmissionState.SUBMITTED else None

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

    def _costs(
        self, ours: ProviderBatchSubmission, outcomes: Sequence[Outcome]
    ) -> dict[int, Decimal]:
        """By budget, with what was written before; the worst case for answers of unknown cost."""
        paid = (
            (call_of(self.submission, self.enrichment, each.item), each.record.cost_usd)
            for each in outcomes
            if each.record is not None and each.item.prompt is not None
        )
        total: dict[int, Decimal] = defaultdict(Decimal)
        for key, cost in ours.costs.items():
            total[int(key)] += Decimal(cost)
        for budget, cost in money.by_budget(paid, self.target, snapshot.current()).items():
            total[budget] += cost
        return total

    def _outcome(self, item: Item, result: Result, *, same: list[object]) -> Outcome:
        """An answer is paid for in any case; one to a row that says something else isn't used."""
        if item.prompt is None or result.value is None:  # the row is gone, and so is its call
            return Outcome(item, ResultState.SKIPPED, reason=item.reason)
        call = call_of(self.submission, self.enrichment, item)
        answer: Answered = read_answer(call, result.value, snapshot.current())
        if same != as_sent(item):
            return self._failed(item, answer, CHANGED)
        if isinstance(answer.outcome, GenerationFailed):
            cut = cut_short(self.enrichment, item, answer.outcome, answer.texts)
            return cut or self._failed(item, answer, str(answer.outcome))
        try:
            return self._judged(item, answer.outcome, answer)
        except SESSION_ERRORS:
            raise
        except Exception as error:
            logger.exception("Row %s broke its enrichment.", item.row_id)
            return Outcome(
                item,
                ResultState.FAILED,
                reason=broken_by(error),
                record=answer.record,
                texts=answer.texts,
            )

    def _judged(self, item: Item, outcome: Generation, answer: Answered) -> Outcome:
        return judged(self.enrichment, item, outcome, answer.texts)

    def _failed(self, item: Item, answer: Answered, reason: str) -> Outcome:
        texts: Texts = answer.texts
        return Outcome(
            item,
            ResultState.FAILED,
            reason=reason,
            record=answer.record,
            texts=texts,
            retriable=True,
            check_results=check_results_of_failure(self.enrichment, answer.record, reason),
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
        undone = self._write_settled(fall_back.unrecorded(chunk))
        self.step("written")
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
        ours.state, ours.detail = SubmissionState.APPLIED, self._story(undone, polled, file)
        ours.save(update_fields=["state", "detail"])
        fall_back.settle(ours)
        self._tell_what_goes_live(chunk, undone)

    def _is_to_be_repeated(self, chunk: BatchChunk, polled: Polled) -> bool:
        """It ran to its end, and nothing is known of any call: nobody was answered or billed."""
        return (
            polled.complete
            and self.found.nothing
            and not polled.answered
            and not self.written
            and chunk.batch.status != BatchStatus.CANCELLED
            and hand_over.handed_over_before(chunk) < MAX_REPEATED
        )

    def _repeat(self, ours: ProviderBatchSubmission, chunk: BatchChunk) -> None:
        ours.state = SubmissionState.REPEATED
        ours.detail = "It ended without any results, so it is handed over again."
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

    def _reasons(self, undone: Sequence[str]) -> dict[str, list[str]]:
        """The rows without an answer, by reason, the commonest first."""
        places = {
            row_id: place
            for place, row in enumerate(self.submission.rows)
            for row_id in (row[0], *sharing(row))
        }
        found: dict[str, list[str]] = defaultdict(list)
        for row in undone:
            place = places.get(row)
            reason = NO_LINE if place is None else self.found.reasons.get(place, NO_LINE)
            found[reason.rstrip(".")].append(row)
        return dict(sorted(found.items(), key=lambda each: -len(each[1])))

    def _why(self, undone: Sequence[str]) -> str:
        reasons = Counter({why: len(rows) for why, rows in self._reasons(undone).items()})
        said = [f"{why}: {number}" for why, number in reasons.most_common(MAX_REASONS_NAMED)]
        return f"the provider's batch has no answer for them ({'; '.join(said)})."

    def _story(self, undone: Sequence[str], polled: Polled, file: ResultFile) -> str:
        """What is to be known of its results; blank when all is as it should be."""
        found, said = self.found, []
        for why, rows in list(self._reasons(undone).items())[:MAX_REASONS_NAMED]:
            more = f" and {len(rows) - MAX_ROWS_NAMED} more" if len(rows) > MAX_ROWS_NAMED else ""
            said.append(f"No answer for {', '.join(rows[:MAX_ROWS_NAMED])}{more}: {why}.")
        if found.unreadable:
            said.append(f"{found.unreadable} of its lines can't be read.")
        if found.foreign:
            said.append(f"{found.foreign} of its lines are for calls that aren't in it.")
        if found.repeated:
            said.append(f"{found.repeated} calls are answered twice; the first answer counts.")
        if polled.answered is not None and polled.answered != found.answers:
            said.append(
                f"The provider counts {polled.answered} answers, its results have {found.answers}."
            )
        if file.cut:
            said.append("Its results are longer than is read.")
        return " ".join(said)


def _shared(outcome: Outcome, row: Sequence[Any], items: Mapping[str, Item]) -> list[Outcome]:
    """The same for the rows that share the call and still ask it; others go on live."""
    if row[:AS_SENT] != as_sent(outcome.item):
        return []
    rows = [items[each] for each in sharing(row)]
    return [shared_outcome(outcome, each) for each in rows if as_sent(each)[1:] == row[1:AS_SENT]]
