"""Anthropic's Message Batches: requests in the body, one list of results."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote

import anthropic
from yarl import URL

from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.provider_batches import (
    BatchRequest,
    BatchState,
    Fetched,
    Found,
    Polled,
    SubmissionFailed,
    result_files,
    result_lines,
)
from llmconfig.client.provider_batches.guarded import client_of
from llmconfig.client.provider_batches.vendor_answers import failure_of, id_of
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot

CLOCKS_APART = dt.timedelta(minutes=10)


@asynccontextmanager
async def opened(target: Target, configuration: Snapshot) -> AsyncIterator["AnthropicBatches"]:
    """The SDK over the guarded transport, which adds the key."""
    await endpoints.fetch_key(target, configuration)
    endpoint = endpoints.endpoint_of(target, configuration)
    base_url = target.provider.base_url.rstrip("/").removesuffix("/v1")
    async with anthropic.AsyncAnthropic(
        api_key="added-by-the-transport",
        base_url=base_url,
        max_retries=0,
        open_telemetry=False,
        http_client=client_of(endpoint),
    ) as client:
        yield AnthropicBatches(client, endpoint, base_url)


class AnthropicBatches:
    """A Vendor. These batches have no metadata: the marker stands in the ids of their calls."""

    def __init__(
        self, client: anthropic.AsyncAnthropic, endpoint: ProviderEndpoint, base_url: str
    ) -> None:
        self.client = client
        self.endpoint = endpoint
        self.base_url = base_url

    async def submit(self, requests: Sequence[BatchRequest], *, marker: str) -> str:
        bodies: Any = [{"custom_id": each.custom_id, "params": each.body} for each in requests]
        with self._errors_translated():
            batch = await self.client.messages.batches.create(requests=bodies)
        return id_of(batch)

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """Only an ended batch tells the ids of its calls; until then a young one may be ours."""
        undecided = False
        with self._errors_translated():
            async for batch in self.client.messages.batches.list(limit=100):
                if batch.created_at < since - CLOCKS_APART:
                    break
                if batch.processing_status != "ended":
                    undecided = True
                    continue
                if batch.results_url:
                    line = await result_files.first_line(self.endpoint, self._results(batch.id))
                    if result_lines.of_anthropic(line).custom_id.startswith(marker):
                        return Found(batch.id)
        return Found(undecided=undecided)

    async def poll(self, external_id: str) -> Polled:
        """It ends within 24 hours, whatever has become of its calls."""
        with self._errors_translated():
            batch = await self.client.messages.batches.retrieve(external_id)
        ended = batch.processing_status == "ended"
        return Polled(
            BatchState.ENDED if ended else BatchState.WORKING,
            complete=ended and batch.cancel_initiated_at is None,
            # Until it ends it counts all as being processed.
            answered=batch.request_counts.succeeded if ended else None,
        )

    async def fetch(self, external_id: str, into: BinaryIO) -> Fetched:
        """One list; an archived batch has none any more."""
        with self._errors_translated():
            batch = await self.client.messages.batches.retrieve(external_id)
        if not batch.results_url:
            detail = "Its results are archived and can't be had any more."
            raise SubmissionFailed(detail, refused=False, gone=True)
        return Fetched(await result_files.save(self.endpoint, self._results(external_id), into))

    def _results(self, external_id: str) -> URL:
        """At the configured address, whatever host the batch names."""
        batch = quote(external_id, safe="")
        return URL(f"{self.base_url}/v1/messages/batches/{batch}/results")

    async def cancel(self, external_id: str) -> None:
        """It takes up to some minutes to be cancelled."""
        with self._errors_translated():
            await self.client.messages.batches.cancel(external_id)

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        """The SDK's errors in our words."""
        try:
            yield
        except anthropic.APIStatusError as error:
            said = self.endpoint.scrubber.clean(str(error))
            raise failure_of(error.status_code, said) from None
        except anthropic.AnthropicError as error:
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=False) from None
