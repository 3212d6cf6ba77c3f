"""Anthropic's Message Batches: requests in the body, one list of results."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anthropic

from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.endpoints import Endpoint
from llmconfig.client.provider_batches import (
    Found,
    Polled,
    Request,
    Result,
    State,
    SubmissionFailed,
)
from llmconfig.client.provider_batches.guarded import client_of
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot

CLOCKS_APART = dt.timedelta(minutes=10)


@asynccontextmanager
async def opened(target: Target, configuration: Snapshot) -> AsyncIterator["AnthropicBatches"]:
    """The SDK over the guarded transport, which adds the key."""
    await endpoints.fetch_key(target, configuration)
    endpoint = endpoints.endpoint_of(target, configuration)
    async with anthropic.AsyncAnthropic(
        api_key="added-by-the-transport",
        base_url=target.provider.base_url.removesuffix("/v1"),
        max_retries=0,
        open_telemetry=False,
        http_client=client_of(endpoint),
    ) as client:
        yield AnthropicBatches(client, endpoint)


class AnthropicBatches:
    """A Vendor. These batches have no metadata: the marker stands in the ids of their calls."""

    def __init__(self, client: anthropic.AsyncAnthropic, endpoint: Endpoint) -> None:
        self.client = client
        self.endpoint = endpoint

    async def submit(self, requests: Sequence[Request], *, marker: str) -> str:
        """One request makes the batch."""
        bodies: Any = [{"custom_id": each.custom_id, "params": each.body} for each in requests]
        with self._told():
            batch = await self.client.messages.batches.create(requests=bodies)
        return batch.id

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """Only an ended batch tells the ids of its calls; until then a young one may be ours."""
        undecided = False
        with self._told():
            async for batch in self.client.messages.batches.list(limit=100):
                if batch.created_at < since - CLOCKS_APART:
                    break
                if batch.processing_status != "ended":
                    undecided = True
                    continue
                async for entry in await self.client.messages.batches.results(batch.id):
                    if entry.custom_id.startswith(marker):
                        return Found(batch.id)
                    break
        return Found(undecided=undecided)

    async def poll(self, external_id: str) -> Polled:
        """It ends within 24 hours, whatever has become of its calls."""
        with self._told():
            batch = await self.client.messages.batches.retrieve(external_id)
        return Polled(State.ENDED if batch.processing_status == "ended" else State.WORKING)

    async def results(self, external_id: str) -> AsyncIterator[Result]:
        """The calls that succeeded."""
        with self._told():
            async for entry in await self.client.messages.batches.results(external_id):
                if entry.result.type == "succeeded":
                    yield Result(entry.custom_id, entry.result.message.to_dict(mode="json"))

    async def cancel(self, external_id: str) -> None:
        """It takes up to some minutes to be cancelled."""
        with self._told():
            await self.client.messages.batches.cancel(external_id)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The SDK's errors in our words."""
        try:
            yield
        except anthropic.APIStatusError as error:
            refused = error.status_code < 500 and error.status_code not in {408, 409, 429}
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=refused) from None
        except anthropic.AnthropicError as error:
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=False) from None
