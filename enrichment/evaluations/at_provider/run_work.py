"""Submissions of a run's cases, as `engine.submissions.polling` looks after them."""

import datetime as dt

from django.db import transaction
from django.db.models.functions import Now

from enrichment.engine.submissions import reading
from enrichment.engine.submissions.calls import Step, custom_id, target_of
from enrichment.engine.submissions.fall_back import settle as settle_budgets
from enrichment.engine.submissions.hand_over import MAX_QUEUED, queue_pause
from enrichment.evaluations import run_states
from enrichment.evaluations.at_provider.cases import go_live
from enrichment.evaluations.at_provider.results import (
    RunReading,
    cases_of,
    items_of,
    run_call,
    run_of,
)
from enrichment.evaluations.recorded import kind_of
from enrichment.models import ProviderBatchSubmission, SubmissionState
from enrichment.models.batches import UNFINISHED
from enrichment.models.evaluations import GOING, EvaluationRun, RunStatus
from llmconfig.client.provider_batches import BatchRequest, Polled
from llmconfig.client.provider_batches.answers import body_of
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target


class RunWork:
    """Some cases of a run at a provider (`SubmittedWork`)."""

    def __init__(self, submission: ProviderBatchSubmission) -> None:
        self.submission = submission
        self.run = run_of(submission)

    def target(self) -> Target:
        """By the run's node."""
        return target_of(self.submission, self.run.node)

    def may_begin(self) -> bool:
        """Unless the run was stopped; then its cases are due again when it goes on."""
        if self.run.status in GOING:
            return True
        self._end(SubmissionState.REPEATED, "Stopped before it was handed over.")
        return False

    def requests(self) -> list[BatchRequest]:
        """The calls of its cases."""
        enrichment, configuration = kind_of(self.run.evaluation_set), snapshot.current()
        cases = cases_of(self.submission, self.run)
        items = items_of(self.submission, self.run, cases.values())
        return [
            BatchRequest(
                custom_id(self.submission, place),
                body_of(
                    run_call(self.submission, enrichment, self.run, items[row[0]]), configuration
                ),
            )
            for place, row in enumerate(self.submission.rows)
        ]

    def is_unwanted(self) -> bool:
        """Once the run is stopped."""
        return self.run.status == RunStatus.STOPPED

    def read(self, target: Target, polled: Polled, step: Step) -> None:
        """Into the run's answers; ends the run where these were its last ones."""
        enrichment = kind_of(self.run.evaluation_set)
        reading.read(RunReading(self.submission, enrichment, target, step), polled)
        step("applied")

    @transaction.atomic
    def wait_for_queue(self, detail: str, *, settle: dt.timedelta) -> None:
        """Its cases are handed over again later; after 48 hours the run stops and says why."""
        said = f"The provider's queue was full, so it is handed over again. {detail}".strip()
        if not self._end(SubmissionState.REPEATED, said):
            return
        tries = self.run.submissions.filter(state=SubmissionState.REPEATED)
        pause = queue_pause(tries.count(), settle)
        EvaluationRun.objects.filter(pk=self.run.pk).update(due_at=Now() + pause)
        since = self.run.resumed_at or self.run.created_at
        if tries.filter(created_at__gte=since, created_at__lt=Now() - MAX_QUEUED).exists():
            run_states.end(
                self.run,
                RunStatus.STOPPED,
                f"The queue of {self.submission.provider} for {self.submission.model} has been full"
                f" for over {MAX_QUEUED.total_seconds() / 3600:.0f} hours. Continue it to wait on,"
                f" or begin one that goes live. {detail}".strip(),
            )

    @transaction.atomic
    def give_up(self, detail: str, *, billed: bool = False) -> None:
        """Its cases go on live; where they may have been paid for, a person decides that."""
        if not self._end(SubmissionState.FAILED, detail):
            return
        self.run.refresh_from_db()
        cases = cases_of(self.submission, self.run)
        left = self.run.evaluation_set.cases.exclude(answers__run=self.run)
        go_live(self.run, list(left.filter(row_id__in=list(cases))), why=detail, billed=billed)

    @transaction.atomic
    def _end(self, state: SubmissionState, detail: str) -> bool:
        """End it, and free what it held; False where it has ended already."""
        rows = ProviderBatchSubmission.objects.select_for_update()
        ours = rows.filter(pk=self.submission.pk, state__in=list(UNFINISHED)).first()
        if ours is None:
            return False
        ours.state, ours.detail = state, detail
        ours.save(update_fields=["state", "detail"])
        settle_budgets(ours)
        return True
