"""Submissions of a batch's chunks, as `polling` looks after them."""

import datetime as dt

from enrichment.batches.lifecycle import complete_if_done
from enrichment.engine.submissions import fall_back, hand_over, reading
from enrichment.engine.submissions.calls import Step, chunk_of, node_of, target_of
from enrichment.engine.submissions.cheap_results import CheapReading
from enrichment.engine.submissions.results import ResultsReading
from enrichment.engine.submissions.scoring import ScoreReading
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.models import Batch, BatchStatus, ChunkStage, ProviderBatchSubmission
from enrichment.models.batches import WORKABLE
from llmconfig.client.provider_batches import BatchRequest, Polled
from llmconfig.configuration.resolution import Target


class ChunkWork:
    """One chunk at a provider (`SubmittedWork`)."""

    def __init__(self, submission: ProviderBatchSubmission) -> None:
        self.submission = submission

    @property
    def _batch(self) -> Batch:
        return chunk_of(self.submission).batch

    @property
    def _enrichment(self) -> Enrichment:
        return get(self._batch.enrichment)

    def target(self) -> Target:
        """By the node of its enrichment, or as the judge's."""
        return target_of(self.submission, node_of(self.submission, self._enrichment))

    def may_begin(self) -> bool:
        """While its batch is worked on; one of a cancelled batch is given up."""
        if self._batch.status == BatchStatus.CANCELLED:
            self.give_up("Cancelled before it was handed over.")
        return self._batch.status in WORKABLE

    def requests(self) -> list[BatchRequest]:
        """The calls of its rows."""
        return hand_over.requests_of(self.submission, self._enrichment)

    def is_unwanted(self) -> bool:
        """Once its batch is cancelled."""
        return self._batch.status == BatchStatus.CANCELLED

    def read(self, target: Target, polled: Polled, step: Step) -> None:
        """Into its rows; completes the batch where these were its last ones."""
        reading.read(self._kind()(self.submission, self._enrichment, target, step), polled)
        step("applied")
        complete_if_done(chunk_of(self.submission).batch_id)

    def _kind(self) -> type[ResultsReading]:
        if chunk_of(self.submission).stage == ChunkStage.SCORE:
            return ScoreReading
        return CheapReading if self.submission.asks_cheap else ResultsReading

    def wait_for_queue(self, detail: str, *, settle: dt.timedelta) -> None:
        """Its chunk is handed over again."""
        hand_over.wait_for_queue(self.submission, detail, settle=settle)

    def give_up(self, detail: str, *, billed: bool = False) -> None:
        """Its rows go on live."""
        fall_back.give_up(self.submission, detail, billed=billed)
