"""What a submission is handed over for: the rows of a batch's chunk, or the cases of a run."""

import datetime as dt
from typing import Protocol

from enrichment.engine.submissions.calls import Step
from enrichment.models import ProviderBatchSubmission
from llmconfig.client.provider_batches import BatchRequest, Polled
from llmconfig.configuration.resolution import Target


class SubmittedWork(Protocol):
    """One submission, and what belongs to what it is for; `polling` does the rest.

    Each may raise EnrichmentError and ConfigurationError: then the submission waits.
    """

    submission: ProviderBatchSubmission

    def target(self) -> Target:
        """Whom it was meant for, whatever the configuration says now."""

    def may_begin(self) -> bool:
        """Whether it may be handed over; gives up one that nobody wants any more."""

    def requests(self) -> list[BatchRequest]:
        """The calls of what still is as it was when they were intended."""

    def is_unwanted(self) -> bool:
        """Whether it is to be cancelled at the provider."""

    def read(self, target: Target, polled: Polled, step: Step) -> None:
        """Write the answers of one that has ended; raises SubmissionFailed to be read again."""

    def wait_for_queue(self, detail: str, *, settle: dt.timedelta) -> None:
        """End one that found the provider's queue full; the same is handed over again later."""

    def give_up(self, detail: str, *, billed: bool = False) -> None:
        """End one from which no more answers come. `billed`: they may have been paid for."""
