"""Reads the answers of an ended submission slice by slice, whatever they are for.

The provider's file lies on the disk meanwhile, so memory holds one slice however long it is. Each
slice is one transaction; after a death the rows that are written are skipped.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

from django.db import transaction
from msgspec import Struct, field

from enrichment.engine import refusals
from enrichment.engine.db_sessions import SESSION_ERRORS
from enrichment.engine.items import Item, Outcome, broken_by, cut_short, judged
from enrichment.engine.submissions.calls import CHANGED, Step, place_of, sharing
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ProviderBatchSubmission, ResultState, SubmissionState
from enrichment.quality_report import check_results_of_failure
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.provider_batches import Polled, Result, errands, money
from llmconfig.client.provider_batches.answers import Answered
from llmconfig.client.provider_batches.answers import read as read_answer
from llmconfig.client.provider_batches.result_files import ResultFile
from llmconfig.client.types import Call, Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target

logger = logging.getLogger(__name__)

# A batch that ended without a line about any of its calls is handed over again so often.
MAX_REPEATED = 2
NO_LINES = "It ended without any results, so it is handed over again."
MAX_ROWS_NAMED = 5  # for each reason, on the page
MAX_REASONS_NAMED = 5
NO_LINE = "the results don't have it"


class _Found(Struct):
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


def read(reading: "SubmissionReading", polled: Polled) -> None:
    """Fetch the results, write them, and end the submission.

    What has no answer goes on live. Raises SubmissionFailed: then it is to be read again.
    """
    external_id = reading.submission.external_id
    file = errands.results(reading.target, snapshot.current(), external_id=external_id)
    with closing(file):
        reading.step("read")
        reading.begin()
        for part in file.slices():
            reading.take(part)
        reading.end(polled, file)


class SubmissionReading:
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
        """See what is written of it already, in `written`."""
        raise NotImplementedError

    def end(self, polled: Polled, file: ResultFile) -> None:
        """End the submission, and let what has no answer go on."""
        raise NotImplementedError

    def _read(self, part: Sequence[tuple[int, Result]]) -> list[tuple[int, Outcome]]:
        """What the answers come to, each with its place in the submission."""
        raise NotImplementedError

    def _put(self, outcomes: Sequence[Outcome]) -> None:
        """Write them with the records of their calls, in the caller's transaction."""
        raise NotImplementedError

    def _call(self, item: Item) -> Call:
        """The call that was handed over."""
        raise NotImplementedError

    def _has_changed(self, item: Item, row: Sequence[Any]) -> bool:
        """Whether it asks something else than when it was handed over."""
        return False

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
        """As what it is written to takes it; raises what that does."""
        return found

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

    def _costs(
        self, ours: ProviderBatchSubmission, outcomes: Sequence[Outcome]
    ) -> dict[int, Decimal]:
        """By budget, with what was written before; the worst case for answers of unknown cost."""
        paid = (
            (self._call(each.item), each.record.cost_usd)
            for each in outcomes
            if each.record is not None and each.item.prompt is not None
        )
        total: dict[int, Decimal] = defaultdict(Decimal)
        for key, cost in ours.costs.items():
            total[int(key)] += Decimal(cost)
        for budget, cost in money.by_budget(paid, self.target, snapshot.current()).items():
            total[budget] += cost
        return total

    def _outcome(self, item: Item, result: Result, row: Sequence[Any]) -> Outcome:
        """An answer is paid for in any case; one to a row that says something else isn't used."""
        if item.prompt is None or result.value is None:  # the row is gone, and so is its call
            return Outcome(item, ResultState.SKIPPED, reason=item.reason)
        call = self._call(item)
        answer: Answered = read_answer(call, result.value, snapshot.current())
        if self._has_changed(item, row):
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
        return Outcome(
            item,
            ResultState.FAILED,
            reason=reason,
            record=answer.record,
            texts=answer.texts,
            retriable=True,
            check_results=check_results_of_failure(self.enrichment, answer.record, reason),
        )

    def _found_nothing(self, polled: Polled) -> bool:
        """It ran to its end, and nothing is known of any call: nobody was answered or billed."""
        return polled.complete and self.found.nothing and not polled.answered and not self.written

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
