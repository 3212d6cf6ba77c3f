"""OpenAI's Batch API: a file of requests in, a file of answers out."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import openai
import orjson

from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.endpoints import Endpoint
from llmconfig.client.provider_batches import (
    MARKER,
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

ADDRESS: Final = "/v1/chat/completions"
ENDED = frozenset({"completed", "expired", "cancelled"})
CLOCKS_APART = dt.timedelta(minutes=10)


@asynccontextmanager
async def opened(target: Target, configuration: Snapshot) -> AsyncIterator["OpenAIBatches"]:
    """The SDK over the guarded transport, which adds the key."""
    await endpoints.fetch_key(target, configuration)
    endpoint = endpoints.endpoint_of(target, configuration)
    async with openai.AsyncOpenAI(
        api_key="added-by-the-transport",
        base_url=target.provider.base_url,
        max_retries=0,
        http_client=client_of(endpoint),
    ) as client:
        yield OpenAIBatches(client, endpoint)


class OpenAIBatches:
    """A Vendor."""

    def __init__(self, client: openai.AsyncOpenAI, endpoint: Endpoint) -> None:
        self.client = client
        self.endpoint = endpoint

    async def submit(self, requests: Sequence[Request], *, marker: str) -> str:
        """Upload the file, then make the batch, which only then exists and is billed."""
        lines = b"".join(
            orjson.dumps(
                {"custom_id": each.custom_id, "method": "POST", "url": ADDRESS, "body": each.body},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for each in requests
        )
        with self._told():
            file = await self.client.files.create(file=(f"{marker}.jsonl", lines), purpose="batch")
            batch = await self.client.batches.create(
                input_file_id=file.id,
                endpoint=ADDRESS,
                completion_window="24h",
                metadata={MARKER: marker},
            )
        return batch.id

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """The marker stands in the batch's metadata; the list begins with the newest."""
        oldest = (since - CLOCKS_APART).timestamp()
        with self._told():
            async for batch in self.client.batches.list(limit=100):
                if (batch.metadata or {}).get(MARKER) == marker:
                    return Found(batch.id)
                if batch.created_at < oldest:
                    break
        return Found()

    async def poll(self, external_id: str) -> Polled:
        """An expired or cancelled batch has the results that it got to."""
        with self._told():
            batch = await self.client.batches.retrieve(external_id)
        if batch.status == "failed":
            problems = (batch.errors.data if batch.errors else None) or []
            said = "; ".join(problem.message or "" for problem in problems[:3])
            return Polled(State.FAILED, self.endpoint.scrubber.clean(said))
        return Polled(State.ENDED if batch.status in ENDED else State.WORKING)

    async def results(self, external_id: str) -> AsyncIterator[Result]:
        """The output file's answers; what failed or expired stands in the other file."""
        with self._told():
            batch = await self.client.batches.retrieve(external_id)
            if batch.output_file_id is None:
                return
            content = await self.client.files.content(batch.output_file_id)
        for line in content.content.splitlines():
            entry = orjson.loads(line)
            response = entry.get("response") or {}
            if response.get("status_code") == 200 and isinstance(response.get("body"), dict):
                yield Result(entry["custom_id"], response["body"])

    async def cancel(self, external_id: str) -> None:
        """It takes up to some minutes to be cancelled."""
        with self._told():
            await self.client.batches.cancel(external_id)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The SDK's errors in our words."""
        try:
            yield
        except openai.APIStatusError as error:
            refused = error.status_code < 500 and error.status_code not in {408, 409, 429}
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=refused) from None
        except openai.OpenAIError as error:
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=False) from None
