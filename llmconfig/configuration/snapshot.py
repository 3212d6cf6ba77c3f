"""The whole configuration as one immutable object, shared by a process's threads.

`current()` gives it without a query, except that once a second it reads the version's token and
loads anew when that moved; so a change reaches every process within two seconds. While the database
is away, what was last known stays in force for LLM_DATABASE_LOST_SECONDS.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from llmconfig import project_settings, provider_types
from llmconfig.configuration import process_settings, stored_facts
from llmconfig.configuration.facts import (
    BudgetFacts,
    Choice,
    Degradation,
    ExperimentFacts,
    ModelFacts,
    NodeFacts,
    ProviderFacts,
    UserKey,
)
from llmconfig.runtime.single_flight import SingleFlight

logger = logging.getLogger(__name__)
CHECK_EVERY_SECONDS = 1.0
LOAD_TRIES = 3
# Nobody waits longer for a database that has answered before: what was in force stays so.
PATIENCE_SECONDS = 0.5
OWN_WRITE_PATIENCE_SECONDS = 10.0  # but the process that has just written doesn't go by the old


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a call needs to know, as of one revision."""

    revision: int
    token: UUID | None
    providers: Mapping[str, ProviderFacts]
    models: Mapping[tuple[str, str], ModelFacts]
    listed: Mapping[str, tuple[ModelFacts, ...]]
    tiers: Mapping[str, ModelFacts]
    interactions: Mapping[str, Choice]
    nodes: Mapping[str, NodeFacts]
    user_choices: Mapping[tuple[UserKey, str], Choice]  # (user id, "node:x" or "type:y")
    experiments: Mapping[str, ExperimentFacts]  # the running ones, by node
    degradations: Mapping[str, Degradation]  # by interaction type
    budgets: tuple[BudgetFacts, ...]
    processing: Mapping[str, Any]
    # What models have refused, by provider and model id; see configuration.refused_parameters.
    refused: Mapping[tuple[str, str], frozenset[str]]
    parts: Mapping[str, Any] = field(default_factory=dict)  # of apps above; see register_part
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)  # of resolve()

    @property
    def allows_calls(self) -> bool:
        """The master switch. Before it was seeded, a key in the environment turns it on."""
        if self.processing or any(each.is_enabled for each in self.providers.values()):
            return bool(self.processing.get("enabled", False))
        return provider_types.last_resort() is not None

    def setting(self, variable: str) -> Any:
        """A process setting's value in force."""
        fixed = process_settings.fixed
        if variable in fixed:
            return fixed[variable]
        return process_settings.in_force(variable, row=self.processing)


class _Holder:
    """The process's snapshot and when it was last compared with the database."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.snapshot: Snapshot | None = None
        self.expirations = 0
        self.checked = (-1, 0.0)  # those of which the last comparison knew, and when it began
        self.refresh_began = 0.0  # by tasks, which wait for it together
        self.known_at = 0.0  # when the database last said that it is in force
        self.pinned: Snapshot | None = None

    @property
    def kept(self) -> Snapshot | None:
        """What was last known, while it may still be gone by."""
        kept_seconds = process_settings.effective(
            "LLM_DATABASE_LOST_SECONDS", environment=project_settings.process_values(), row={}
        )
        return self.snapshot if time.monotonic() - self.known_at <= kept_seconds else None

    def fresh(self) -> Snapshot | None:
        if self.pinned is not None:
            return self.pinned
        knew_of, checked_at = self.checked
        is_fresh = time.monotonic() - checked_at < CHECK_EVERY_SECONDS
        return self.snapshot if is_fresh and knew_of == self.expirations else None


_holder = _Holder()
fresh = _holder.fresh  # the snapshot if it was compared within the last second; asks nobody
_parts: dict[str, Callable[[], Any]] = {}
_refreshing: SingleFlight[int, Snapshot] = SingleFlight()  # by the expirations that it knows of


def register_part(name: str, read: Callable[[], Any]) -> None:
    """Have an app's own tables of configuration, which have the history's triggers, read along."""
    _parts[name] = read


def current() -> Snapshot:
    """The snapshot in force; asks the database at most once a second."""
    return _holder.fresh() or _refresh()


async def acurrent() -> Snapshot:
    """The same from async code; tasks that find it stale together share one refresh."""
    held = _holder.fresh()
    if held is not None:
        return held
    refresh = _refreshing.start(_holder.expirations, _begin_refresh)
    if _holder.snapshot is None:
        return await asyncio.shield(refresh)
    knows_all = _holder.checked[0] == _holder.expirations
    longest = PATIENCE_SECONDS if knows_all else OWN_WRITE_PATIENCE_SECONDS
    patience = max(0.0, _holder.refresh_began + longest - time.monotonic())
    await asyncio.wait({refresh}, timeout=patience)
    kept = refresh.result() if refresh.done() else _holder.kept
    if kept is None:
        raise OperationalError("The database has not answered for too long.")
    return kept


def was_known() -> bool:
    """Whether this process has ever read a configuration."""
    return _holder.snapshot is not None


def _begin_refresh() -> Coroutine[Any, Any, Snapshot]:
    _holder.refresh_began = time.monotonic()
    return sync_to_async(_refresh_in_thread)()


def expire() -> None:
    """Have the next call of `current` compare with the database."""
    _holder.expirations += 1


@contextmanager
def pinned(held: Snapshot) -> Iterator[None]:
    """Have the whole process go by `held` in the block, whatever the database says: for tests."""
    before, _holder.pinned = _holder.pinned, held
    try:
        yield
    finally:
        _holder.pinned = before


def _refresh_in_thread() -> Snapshot:
    # No request begins or ends in that thread, so nobody else drops its broken connections.
    close_old_connections()
    return _refresh()


def _refresh() -> Snapshot:
    with _holder.lock:
        held = _holder.fresh()
        if held is not None:
            return held
        knew_of, asked_at = _holder.expirations, time.monotonic()
        try:
            # A caller's transaction may end each query in time; it goes on after such an end.
            inside = transaction.get_connection().in_atomic_block
            with transaction.atomic() if inside else nullcontext():
                if _holder.snapshot is None or _holder.snapshot.token != stored_token():
                    _holder.snapshot = load()
        except (OperationalError, InterfaceError) as error:
            kept = _holder.kept
            if kept is None:
                raise
            logger.warning("The configuration can't be read anew: %s", error)
        else:
            kept = _holder.snapshot
            _holder.known_at = asked_at
        _holder.checked = (knew_of, asked_at)
        return kept


def stored_token() -> UUID | None:
    """What moves with each change of the configuration, as the database has it now."""
    return stored_facts.version()[1]


def load() -> Snapshot:
    """Read the configuration of one revision; tried again if it changes meanwhile."""
    for _ in range(LOAD_TRIES):
        loaded = _of(stored_facts.read(), {name: read() for name, read in _parts.items()})
        if stored_facts.version() == (loaded.revision, loaded.token):
            break
    return loaded


def _of(stored: stored_facts.StoredFacts, parts: dict[str, Any]) -> Snapshot:
    providers, models = stored.providers, stored.models
    listed: dict[str, list[ModelFacts]] = {}
    for model in sorted(models.values(), key=lambda each: providers[each.provider].priority):
        if providers[model.provider].is_enabled:
            listed.setdefault(model.model_id, []).append(model)
    return Snapshot(
        revision=stored.revision,
        token=stored.token,
        providers=MappingProxyType(providers),
        models=MappingProxyType(models),
        listed=MappingProxyType({name: tuple(found) for name, found in listed.items()}),
        tiers=MappingProxyType({model.tier: model for model in models.values() if model.tier}),
        interactions=MappingProxyType(stored.interactions),
        nodes=MappingProxyType(stored.nodes),
        user_choices=MappingProxyType(stored.user_choices),
        experiments=MappingProxyType(stored.experiments),
        degradations=MappingProxyType(stored.degradations),
        budgets=stored.budgets,
        processing=MappingProxyType(stored.processing),
        refused=MappingProxyType(stored.refused),
        parts=MappingProxyType(parts),
    )
