"""Batches that a provider works off in its own time, for half the price.

A vendor knows how to submit, find, poll, read and cancel one; `guarded` is the only way out,
`result_files` brings what was answered onto the disk, `result_lines` reads one line of it, and
`answers` turns a result into the record that a live call would have left.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from msgspec import Struct

from llmconfig import provider_types
from llmconfig.client.wire.reading import storable
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.extras import from_extra, how_to_install, installed

JSON = dict[str, Any]
MARKER = "nodewise_submission"  # the name of our marker in a vendor's metadata
MAX_DETAIL = 1000
MAX_ID = 200


class BatchRequest(Struct, frozen=True):
    """One call of a batch. `custom_id` starts with the submission's marker."""

    custom_id: str
    body: JSON


class BatchState(StrEnum):
    """Where a provider's own batch stands, in one set of words for all vendors."""

    WORKING = "working"
    ENDED = "ended"  # its results can be read; they may be none
    FAILED = "failed"  # it was refused as a whole


class Polled(Struct, frozen=True):
    """A batch's state; `detail` says why it failed.

    `queue_full`: it failed only because others stood before it, so it may be handed over again.
    `complete`: it ran to its end, neither cancelled nor expired. `answered` is how many of its
    calls the vendor says it has answered, None if it doesn't say.
    """

    state: BatchState
    detail: str = ""
    queue_full: bool = False
    complete: bool = False
    answered: int | None = None


class Found(Struct, frozen=True):
    """A submission looked up by its marker. `undecided`: it may be there, ask again later."""

    external_id: str = ""
    undecided: bool = False


class Result(Struct, frozen=True):
    """One call of an ended batch: its answer in the form of a live reply, or why it has none.

    `custom_id` is blank where a line can't be read so far.
    """

    custom_id: str
    value: JSON | None = None
    reason: str = ""


class Fetched(Struct, frozen=True):
    """What was fetched of a batch's results; `cut`: there was more than is taken."""

    cut: bool = False


class Vendor(Protocol):
    """One vendor's batches. All raise SubmissionFailed."""

    async def submit(self, requests: Sequence[BatchRequest], *, marker: str) -> str:
        """Hand a batch over; gives the vendor's id."""

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """Look for a batch that was perhaps handed over since then."""

    async def poll(self, external_id: str) -> Polled:
        """Ask the provider where its batch stands."""

    async def fetch(self, external_id: str, into: BinaryIO) -> Fetched:
        """Write the lines of an ended batch's results, in any order, to an open file."""

    async def cancel(self, external_id: str) -> None:
        """Have it end early; what is answered by then is billed and can be read."""


class SubmissionFailed(Exception):
    """A vendor didn't do what it was asked.

    `refused`: certainly nothing was begun. `gone`: the vendor doesn't have the batch or its
    results (any more). `queue_full`: the same again will do once the vendor's queue has room.
    `nameless`: it was begun, and the vendor gave no id by which it could be asked for.
    """

    def __init__(
        self,
        detail: str,
        *,
        refused: bool,
        gone: bool = False,
        queue_full: bool = False,
        nameless: bool = False,
    ) -> None:
        super().__init__(storable(detail[:MAX_DETAIL]))
        self.refused = refused
        self.gone = gone
        self.queue_full = queue_full
        self.nameless = nameless


def missing_extra(target: Target) -> str:
    """How to install the SDK that this vendor's batches go through; blank when it is there."""
    sdk = _sdk(target)
    return "" if installed(sdk) else how_to_install(sdk, sdk)


def _sdk(target: Target) -> str:
    """Its package, which has an extra of the same name."""
    return "anthropic" if _batches_of(target) == "anthropic" else "openai"


def _batches_of(target: Target) -> str:
    return provider_types.get(target.provider.provider_type).batches


def vendor_of(target: Target, configuration: Snapshot) -> AbstractAsyncContextManager[Vendor]:
    """The vendor behind a target, open until the block ends; raises ConfigurationError."""
    # Each vendor's SDK takes half a second to import.
    if _batches_of(target) == "anthropic":
        with from_extra("anthropic"):
            from llmconfig.client.provider_batches import anthropic  # noqa: PLC0415

        return anthropic.opened(target, configuration)
    with from_extra("openai"):
        from llmconfig.client.provider_batches import openai  # noqa: PLC0415

    return openai.opened(target, configuration)
