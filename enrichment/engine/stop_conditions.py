"""What stops a batch before it does harm: its cap on cost, and its error budget."""

import time
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Max

from enrichment.batches.progress import Spent, spent_by, unpriced_cap
from enrichment.engine.items import Outcome
from enrichment.models import Batch, ResultState
from llmconfig.client.types import CallRecord
from llmconfig.configuration import snapshot
from metrics.models import GenerationMetric

LOOK_EVERY_SECONDS = 1.0
MIN_TRIES = 50  # fewer rows say nothing about their batch
# A cause that comes up late must not be outweighed by all that went well before.
RECENT_TRIES = 200
NOTHING = Decimal(0)
# What resuming a batch changes: its cap, and from where on its tries are counted.
RESUMED = ("max_cost_usd", "failures_before", "tries_before", "repaid_before")


class Brakes:
    """One lane's watch over its batch. The sums are the batch's, over all of its lanes."""

    def __init__(self, batch: Batch) -> None:
        settings = snapshot.current()
        self.batch = batch
        self.budget: float = settings.setting("LLM_BATCH_ERROR_BUDGET")
        self.max_repaid: int = settings.setting("LLM_BATCH_MAX_REPAID")
        self.lanes: int = settings.processing.get("concurrent_tasks", 1)
        self.recent: deque[bool] = deque(maxlen=RECENT_TRIES)
        self.last_failure = ""
        self.unpriced = ""  # a model that was paid, nobody knows how much
        self.look_at = 0.0
        self.may_spend = NOTHING  # by this lane, until it has to look again
        self.dearest = None if batch.max_cost_usd is None else _dearest(batch)

    def reason(self, written: Sequence[Outcome]) -> str:
        """Why the batch has to pause now that these are written; blank if it may go on.

        The sums are read once a second, and before the cap could be reached: while no lane spends
        more than its share of what is left, all together don't.
        """
        for outcome in written:
            if outcome.state != ResultState.SKIPPED:
                self._count(outcome)
        if self._too_many(sum(self.recent), len(self.recent)):
            return self._failing(sum(self.recent), len(self.recent))
        cap = self.batch.max_cost_usd
        if cap is not None and self.unpriced:
            return unpriced_cap(cap, self.unpriced)
        now = time.monotonic()
        if now < self.look_at and (cap is None or self.may_spend > 0):
            return ""
        self.look_at = now + LOOK_EVERY_SECONDS
        return self._look(spent_by(self.batch.pk), idle=not written)

    def room(self) -> int | None:
        """How many of the lane's rows may be paid for before it looks again; None without a cap.

        Each is taken to cost what the dearest one has. While none is known, one shows it.
        """
        if self.batch.max_cost_usd is None or self.dearest == NOTHING:
            return None
        return 1 if self.dearest is None else max(0, int(self.may_spend / self.dearest))

    def _count(self, outcome: Outcome) -> None:
        failed = outcome.state == ResultState.FAILED
        self.recent.append(failed)
        self.last_failure = outcome.reason if failed else self.last_failure
        before = self.may_spend
        if outcome.record is not None:
            self._count_call(outcome.record)
        for record, _ in outcome.beside:
            self._count_call(record)
        if outcome.record is not None and not outcome.record.cache_hit:
            self.dearest = max(self.dearest or NOTHING, before - self.may_spend)

    def _count_call(self, record: CallRecord) -> None:
        if record.cost_usd is not None:
            self.may_spend -= record.cost_usd
        elif any(attempt.paid for attempt in record.attempts):
            self.unpriced = record.model

    def _look(self, spent: Spent, *, idle: bool) -> str:
        # Paused and resumed before this lane had ended, it goes by what it was resumed with.
        self.batch.refresh_from_db(fields=RESUMED)
        batch, cap = self.batch, self.batch.max_cost_usd
        failures = spent.failures - batch.failures_before
        tries = spent.tries - batch.tries_before
        if self._too_many(failures, tries):
            return self._failing(failures, tries)
        repaid = spent.repaid - batch.repaid_before
        if repaid >= self.max_repaid:
            return (
                f"{repaid} answers were paid twice, because workers died before they had written"
                " them (LLM_BATCH_MAX_REPAID). Find out why before you resume it."
            )
        if cap is None:
            return ""
        if spent.cost_usd >= cap:
            return (
                f"Its cap of ${cap.normalize():f} is spent: ${spent.cost_usd:.4f} by now."
                " Resume it with a higher one."
            )
        left = cap - spent.cost_usd - spent.held_usd
        if left <= 0 and not idle:
            return (
                f"Its rows at a provider may use up what its cap of ${cap.normalize():f} has left."
                " Resume it when their results are here, or with a higher cap."
            )
        self.may_spend = max(left, NOTHING) / self.lanes
        return ""

    def _too_many(self, failures: int, tries: int) -> bool:
        return tries >= MIN_TRIES and failures > self.budget * tries

    def _failing(self, failures: int, tries: int) -> str:
        return (
            f"{failures} of {tries} rows failed, more than a share of {self.budget:g}"
            f" (LLM_BATCH_ERROR_BUDGET). The last one: {self.last_failure or 'see its row.'}"
        )


def _dearest(batch: Batch) -> Decimal | None:
    """What the dearest of its calls has cost by now; None before the first."""
    calls = GenerationMetric.objects.filter(session_id=batch.pk)
    found: Decimal | None = calls.aggregate(Max("cost_usd"))["cost_usd__max"]
    return found
