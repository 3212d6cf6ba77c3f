"""Whose turn it is: which batch a worker works on next, and for how long.

The one place that decides it, for all workers, from what PostgreSQL says. Batches that ask the same
model share its calls by weight, and the models share the workers' time by the weight of their
batches. Each has a count of what it was served, by weight, and the lowest is next. Who has nothing
to do has no count; who comes, or comes back, begins with the average of the others, so that nobody
catches up for a time before.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from django.db import connection
from msgspec import Struct

from enrichment.batches.progress import spent_by
from enrichment.engine.db_sessions import lock_key
from enrichment.engine.items import Outcome
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError
from enrichment.models import Batch
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.errors import ConfigurationError

# Five more of priority is twice the share.
PRIORITY_THAT_DOUBLES = 5
# A lane stays until its batch is ahead of the next one by a twentieth of what it has had, so shares
# are right to some per cent, and turns grow long as there is more to share.
MARGIN = 0.05
MAX_MARGIN_WINDOWS = 8
MODEL_MARGIN_SECONDS = 10.0  # of a worker, before it goes over to another model's batches
LOOK_EVERY_SECONDS = 0.1
LOOK_SELDOM_SECONDS = 1.0  # where nobody else waits, or little is answered
PACE_HALF_LIFE_SECONDS = 60.0  # of lanes' time
UNKNOWN_PACE = 1.0  # calls a second: nobody has been answered yet

_STANDINGS = """
SELECT id, enrichment, priority, served, EXISTS (
    SELECT FROM enrichment_batch_chunks chunk
    WHERE batch_id = batch.id AND due_at <= clock_timestamp()
      AND (chunk.status = 'open'
           OR (chunk.status = 'leased' AND leased_until < clock_timestamp())))
FROM enrichment_batches batch WHERE status IN ('pending', 'running') ORDER BY created_at, id
"""
_LANES = """
SELECT classid::bigint, count(*) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY classid
"""
_MODELS = "SELECT target, served, calls / nullif(seconds, 0) FROM enrichment_model_turns"
# Nobody waits for these rows: who looks next does what was left out.
_JOIN = """
UPDATE enrichment_batches SET served = %s WHERE id IN (
    SELECT id FROM enrichment_batches WHERE id = ANY(%s) AND served IS NULL
    FOR UPDATE SKIP LOCKED)
"""
_LEAVE = """
UPDATE enrichment_batches SET served = NULL WHERE id IN (
    SELECT id FROM enrichment_batches WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED)
"""
_JOIN_MODEL = """
INSERT INTO enrichment_model_turns (target, served) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
_LEAVE_MODELS = "DELETE FROM enrichment_model_turns WHERE target = ANY(%s)"
# One statement: a worker that is stopped in between would hold the rows that all lanes write.
_CHARGE = """
WITH batch AS (
    UPDATE enrichment_batches SET served = served + %(calls)s / %(own)s WHERE id = %(batch)s)
UPDATE enrichment_model_turns SET served = served + %(seconds)s / %(weight)s,
    calls = (calls + %(calls)s) * %(fading)s, seconds = (seconds + %(seconds)s) * %(fading)s
WHERE target = %(target)s
"""


def weight_of(priority: int) -> float:
    """A batch's share beside others, 1 at priority 0."""
    return float(2 ** (priority / PRIORITY_THAT_DOUBLES))


class _Standing(Struct):
    """A batch that may be worked on, and what it has had."""

    batch_id: UUID
    target: str
    weight: float
    served: float | None  # calls by weight; None: it is new here, or had nothing to do
    claimable: bool
    lanes: int

    @property
    def active(self) -> bool:
        return self.claimable or self.lanes > 0


class _ModelStanding(Struct):
    """A model that batches ask: seconds of lanes by weight, and calls in a second of a lane."""

    served: float
    pace: float


def next_batch(*, apart: Collection[UUID] = ()) -> UUID | None:
    """The batch that is served least for its weight and has a place for a lane; None if none has.

    Those `apart` are passed over.
    """
    table = _Table.read()
    table.settle()
    first = table.first([each for each in table.waiting() if each.batch_id not in apart])
    return first.batch_id if first else None


def has_rows(batch_id: UUID) -> bool:
    """Whether a batch has a chunk that could be claimed now."""
    return any(each.claimable for each in _Table.read().standings if each.batch_id == batch_id)


class _Table(Struct):
    """All batches that may be worked on, and the models that they ask."""

    standings: list[_Standing]
    models: dict[str, _ModelStanding]

    @classmethod
    def read(cls) -> "_Table":
        with connection.cursor() as cursor:
            cursor.execute(_STANDINGS)
            batches = cursor.fetchall()
            cursor.execute(_LANES)
            lanes = dict(cursor.fetchall())
            cursor.execute(_MODELS)
            models = {
                target: _ModelStanding(served, pace or 0.0)
                for target, served, pace in cursor.fetchall()
            }
        targets: dict[str, str] = {}
        standings = []
        for batch_id, enrichment, priority, served, claimable in batches:
            if enrichment not in targets:
                targets[enrichment] = target_of(enrichment)
            standings.append(
                _Standing(
                    batch_id,
                    targets[enrichment],
                    weight_of(priority),
                    served,
                    claimable,
                    lanes.get(lock_key(batch_id), 0),
                )
            )
        return cls(standings, models)

    def settle(self) -> None:
        """Give who came the others' average count, and take it from who has nothing to do."""
        for batches in self._by_target().values():
            came = [each for each in batches if each.active and each.served is None]
            average = _average(
                (each.served, each.weight)
                for each in batches
                if each.active and each.served is not None
            )
            for each in came:
                each.served = average
            left = [each for each in batches if not each.active and each.served is not None]
            for each in left:
                each.served = None
            with connection.cursor() as cursor:
                if came:
                    cursor.execute(_JOIN, [average, [each.batch_id for each in came]])
                if left:
                    cursor.execute(_LEAVE, [[each.batch_id for each in left]])
        self._settle_models()

    def _settle_models(self) -> None:
        asked = {each.target for each in self.standings if each.active}
        idle = [target for target in self.models if target not in asked]
        average = _average(
            (self.models[each].served, self.weight(each)) for each in asked & self.models.keys()
        )
        with connection.cursor() as cursor:
            for target in asked - self.models.keys():
                cursor.execute(_JOIN_MODEL, [target, average])
                self.models[target] = _ModelStanding(average, 0.0)
            if idle:
                cursor.execute(_LEAVE_MODELS, [idle])

    def waiting(self) -> list[_Standing]:
        """Those that a worker could begin another lane of."""
        places = snapshot.current().processing.get("concurrent_tasks", 1)
        return [each for each in self.standings if each.claimable and each.lanes < places]

    def first(self, waiting: Sequence[_Standing]) -> _Standing | None:
        """Of these the one that was served least, of the model that was.

        Each counts as if it had had half a turn more, at least a window of calls: so a batch of
        little weight isn't served ahead of its share. A lane that runs counts as if it had had a
        second more than is booked, so that workers who look at the same time spread out.
        """
        if not waiting:
            return None
        models = {each.target for each in waiting}
        model = min(sorted(models), key=self._model_served)
        mine = [each for each in waiting if each.target == model]
        pace = self.models[model].pace if model in self.models else 0.0
        soon = max(1.0, pace * LOOK_SELDOM_SECONDS)
        window: int = snapshot.current().setting("LLM_BATCH_CONCURRENT")
        return min(
            mine,
            key=lambda each: (each.served or 0.0) + (window + each.lanes * soon) / each.weight,
        )

    def weight(self, target: str) -> float:
        """Of all batches that ask a model now."""
        return sum(each.weight for each in self.standings if each.target == target and each.active)

    def _model_served(self, target: str) -> float:
        lanes = sum(each.lanes for each in self.standings if each.target == target)
        weight = self.weight(target) or 1.0
        return self.models[target].served + lanes * LOOK_SELDOM_SECONDS / weight

    def _by_target(self) -> dict[str, list[_Standing]]:
        found: dict[str, list[_Standing]] = defaultdict(list)
        for each in self.standings:
            found[each.target].append(each)
        return found


def _average(counts: Iterable[tuple[float, float]]) -> float:
    """Of counts with their weights; 0 for none."""
    known = list(counts)
    weight = sum(each for _, each in known)
    return sum(served * each for served, each in known) / weight if weight else 0.0


def target_of(enrichment: str) -> str:
    """The provider and model that an enrichment asks first; blank if it can ask nobody now."""
    try:
        resolution = resolve(get(enrichment).node, snapshot=snapshot.current())
    except (ConfigurationError, EnrichmentError):
        return ""
    # Targets of equal priority come in an order that is drawn anew each time.
    priority = resolution.targets[0].provider.priority
    equals = [each for each in resolution.targets if each.provider.priority == priority]
    return min(f"{each.provider.name}/{each.model_id}" for each in equals)


class Turn:
    """A lane's turn: books what its batch gets, and tells when another one is to have the worker.

    `yields` is False where a person's command works on this batch and no other.
    """

    def __init__(self, batch: Batch, *, window: int, yields: bool) -> None:
        self.batch = batch
        self.yields = yields
        self.target = target_of(batch.enrichment)
        self.weight = weight_of(batch.priority)
        had = spent_by(batch.pk).tries
        # What is in flight when it is over is served too: half a window, as a rule.
        self.margin = min(max(0.0, MARGIN * had - window), MAX_MARGIN_WINDOWS * window) - window / 2
        self.window = window
        self.calls = 0  # answered, not booked yet
        self.served = False  # any call was answered
        self.booked_at = time.monotonic()
        self.alone = not yields  # when last looked, nobody else waited

    def is_over(self, written: Iterable[Outcome], held_by_limits: Callable[[], bool]) -> bool:
        """Book these outcomes; tells whether another batch comes first now.

        `held_by_limits` says whether the lane's calls wait for room at their provider. A lane that
        gets no answer for another reason is charged what others get meanwhile, or it would stay
        the one that was served least.
        """
        self.calls += sum(each.record is not None and not each.record.cache_hit for each in written)
        now = time.monotonic()
        passed = now - self.booked_at
        busy = not self.alone and self.calls >= self.window
        if passed < (LOOK_EVERY_SECONDS if busy else LOOK_SELDOM_SECONDS):
            return False
        self.booked_at = now
        return self._book(passed, held=not self.calls and held_by_limits())

    def close(self) -> None:
        """Book what the lane's last calls came to."""
        self.yields = False
        self._book(time.monotonic() - self.booked_at, held=True)

    def _book(self, seconds: float, *, held: bool) -> bool:
        table = _Table.read()
        if self.yields:
            table.settle()
        calls, self.calls = float(self.calls), 0
        model = table.models.get(self.target)
        if calls:
            self.served = True
        elif not held:
            calls = (model.pace if model and model.pace else UNKNOWN_PACE) * seconds
        weight = max(table.weight(self.target), self.weight)
        with connection.cursor() as cursor:
            cursor.execute(
                _CHARGE,
                {
                    "batch": self.batch.pk,
                    "own": self.weight,
                    "target": self.target,
                    "seconds": seconds,
                    "calls": calls,
                    "weight": weight,
                    "fading": 0.5 ** (seconds / PACE_HALF_LIFE_SECONDS),
                },
            )
        return self.yields and self._comes_after(table, calls, seconds / weight)

    def _comes_after(self, table: _Table, calls: float, seconds: float) -> bool:
        """Whether another batch is behind ours by more than the margin."""
        mine = next((each for each in table.standings if each.batch_id == self.batch.pk), None)
        others = [each for each in table.waiting() if each is not mine]
        self.alone = not others
        first = table.first(others)
        if mine is None or mine.served is None or first is None:
            return False
        if first.target != self.target:
            ahead = table.models[self.target].served + seconds - table.models[first.target].served
            return ahead * table.weight(self.target) > MODEL_MARGIN_SECONDS
        ahead = mine.served + calls / self.weight - (first.served or 0.0)
        return ahead * self.weight > (self.margin if self.served else self.window)
