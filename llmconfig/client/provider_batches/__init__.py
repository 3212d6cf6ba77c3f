"""Batches that a provider works off in its own time, for half the price.

A vendor knows how to submit, find, poll, read and cancel one; `guarded` is the only way out, and
`answers` turns a result into the record that a live call would have left.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import ProviderType

JSON = dict[str, Any]
MARKER = "nodewise_submission"  # the name of our marker in a vendor's metadata
OFFERED_BY = frozenset({ProviderType.OPENAI, ProviderType.ANTHROPIC})


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a batch. `custom_id` starts with the submission's marker."""

    custom_id: str
    body: JSON


class State(StrEnum):
    """Where a provider's batch stands."""

    WORKING = "working"
    ENDED = "ended"  # its results can be read; they may be none
    FAILED = "failed"  # it was refused as a whole


@dataclass(frozen=True, slots=True)
class Polled:
    """A batch's state; `detail` says why it failed."""

    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A submission looked up by its marker. `undecided`: it may be there, ask again later."""

    external_id: str = ""
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """An answered call, in the words of a live reply. Calls without an answer have no result."""

    custom_id: str
    value: JSON


class Vendor(Protocol):
    """One vendor's batches. All raise SubmissionFailed."""

    async def submit(self, requests: Sequence[Request], *, marker: str) -> str:
        """Hand a batch over; gives the vendor's id."""

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """Look for a batch that was perhaps handed over since then."""

    async def poll(self, external_id: str) -> Polled:
        """Where it stands."""

    def results(self, external_id: str) -> AsyncIterator[Result]:
        """The answers of an ended batch, in any order."""

    async def cancel(self, external_id: str) -> None:
        """Have it end early; what is answered by then is billed and can be read."""


class SubmissionFailed(Exception):
    """A vendor didn't do what it was asked. `refused`: surely nothing was begun."""

    def __init__(self, detail: str, *, refused: bool) -> None:
        super().__init__(detail)
        self.refused = refused


def vendor_of(target: Target, configuration: Snapshot) -> AbstractAsyncContextManager[Vendor]:
    """The vendor behind a target, open until the block ends; raises ConfigurationError."""
    # Each vendor's SDK takes half a second to import.
    if target.provider.provider_type == ProviderType.ANTHROPIC:
        from llmconfig.client.provider_batches import anthropic  # noqa: PLC0415

        return anthropic.opened(target, configuration)
    from llmconfig.client.provider_batches import openai  # noqa: PLC0415

    return openai.opened(target, configuration)
