"""The vendors for synchronous code: one errand each, over the process's background loop."""

import datetime as dt
from collections.abc import Sequence

from llmconfig.client.http import background_loop
from llmconfig.client.provider_batches import BatchRequest, Fetched, Found, Polled, vendor_of
from llmconfig.client.provider_batches.result_files import ResultFile
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot


def submit(
    target: Target, configuration: Snapshot, requests: Sequence[BatchRequest], *, marker: str
) -> str:
    """Hand a batch over; gives the vendor's id. Raises SubmissionFailed, ConfigurationError."""

    async def errand() -> str:
        async with vendor_of(target, configuration) as vendor:
            return await vendor.submit(requests, marker=marker)

    return background_loop.run(errand())


def find(target: Target, configuration: Snapshot, *, marker: str, since: dt.datetime) -> Found:
    """Look for a batch that was perhaps handed over; raises as `submit` does."""

    async def errand() -> Found:
        async with vendor_of(target, configuration) as vendor:
            return await vendor.find(marker, since=since)

    return background_loop.run(errand())


def poll(target: Target, configuration: Snapshot, *, external_id: str) -> Polled:
    """Where a batch stands; raises as `submit` does."""

    async def errand() -> Polled:
        async with vendor_of(target, configuration) as vendor:
            return await vendor.poll(external_id)

    return background_loop.run(errand())


def results(target: Target, configuration: Snapshot, *, external_id: str) -> ResultFile:
    """All results of an ended batch, on disk until the file is closed; raises as `submit` does."""
    found = ResultFile(target.provider.provider_type)

    async def errand() -> Fetched:
        async with vendor_of(target, configuration) as vendor:
            return await vendor.fetch(external_id, found.file)

    try:
        found.cut = background_loop.run(errand()).cut
    except BaseException:
        found.close()
        raise
    return found


def cancel(target: Target, configuration: Snapshot, *, external_id: str) -> None:
    """Have a batch end early; raises as `submit` does."""

    async def errand() -> None:
        async with vendor_of(target, configuration) as vendor:
            await vendor.cancel(external_id)

    background_loop.run(errand())
