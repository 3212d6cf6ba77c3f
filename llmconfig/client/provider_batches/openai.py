"""OpenAI's Batch API: a file of requests in, a file of answers out."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import openai
import orjson
from yarl import URL

from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.provider_batches import (
    MARKER,
    MAX_DETAIL,
    BatchRequest,
    BatchState,
    Fetched,
    Found,
    Polled,
    SubmissionFailed,
    result_files,
)
from llmconfig.client.provider_batches.guarded import client_of
from llmconfig.client.provider_batches.vendor_answers import failure_of, id_of
from llmconfig.client.wire.reading import storable
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot

# What a line of a batch asks, by the wire of its model.
ADDRESSES: Final = {"openai": "/v1/chat/completions", "responses": "/v1/responses"}
ENDED = frozenset({"completed", "expired", "cancelled"})
MAX_PROBLEMS = 3  # that are told
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
        yield OpenAIBatches(client, endpoint, target.provider.base_url.rstrip("/"))


class OpenAIBatches:
    """OpenAI's Batch API behind the `Vendor` interface."""

    def __init__(
        self, client: openai.AsyncOpenAI, endpoint: ProviderEndpoint, base_url: str
    ) -> None:
        self.client = client
        self.endpoint = endpoint
        self.base_url = base_url

    async def submit(self, requests: Sequence[BatchRequest], *, marker: str) -> str:
        """Upload the file, then make the batch, which only then exists and is billed."""
        address: Any = ADDRESSES[self.endpoint.wire.name]
        lines = b"".join(
            orjson.dumps(
                {"custom_id": each.custom_id, "method": "POST", "url": address, "body": each.body},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for each in requests
        )
        with self._errors_translated():
            file = await self.client.files.create(file=(_file_name(marker), lines), purpose="batch")
            batch = await self.client.batches.create(
                input_file_id=file.id,
                endpoint=address,
                completion_window="24h",
                metadata={MARKER: marker},
            )
        return id_of(batch)

    async def find(self, marker: str, *, since: dt.datetime) -> Found:
        """The marker stands in the batch's metadata; the list begins with the newest.

        Of batches that a server lists without metadata, the input file's name tells.
        """
        oldest = (since - CLOCKS_APART).timestamp()
        unmarked = []
        with self._errors_translated():
            async for batch in self.client.batches.list(limit=100):
                if (batch.metadata or {}).get(MARKER) == marker:
                    return Found(batch.id)
                if batch.created_at < oldest:
                    break
                if not batch.metadata:
                    unmarked.append(batch)
        undecided = False
        for batch in unmarked:
            name = await self._name_of(batch.input_file_id)
            if name == _file_name(marker):
                return Found(batch.id)
            undecided |= name is None
        return Found(undecided=undecided)

    async def _name_of(self, file_id: str) -> str | None:
        """An uploaded file's name; None where the server doesn't tell it."""
        try:
            return (await self.client.files.retrieve(file_id)).filename
        except openai.OpenAIError:
            return None

    async def poll(self, external_id: str) -> Polled:
        """An expired or cancelled batch has the results that it got to."""
        with self._errors_translated():
            batch = await self.client.batches.retrieve(external_id)
        if batch.status == "failed":
            problems = _problems(batch.errors)
            said = "; ".join(message or code for code, message in problems[:MAX_PROBLEMS])
            return Polled(
                BatchState.FAILED,
                storable(self.endpoint.scrubber.clean(said))[:MAX_DETAIL],
                queue_full=any(is_queue_full(*each) for each in problems),
            )
        answered = getattr(batch.request_counts, "completed", None)
        return Polled(
            BatchState.ENDED if batch.status in ENDED else BatchState.WORKING,
            complete=batch.status == "completed",
            answered=answered if isinstance(answered, int) else None,
        )

    async def fetch(self, external_id: str, into: BinaryIO) -> Fetched:
        """The output file, then the other one with what failed or expired. Either may be missing,
        and a blank id is none."""
        with self._errors_translated():
            batch = await self.client.batches.retrieve(external_id)
        cut = False
        for file_id in (batch.output_file_id, batch.error_file_id):
            if isinstance(file_id, str) and file_id.strip():
                address = f"{self.base_url}/files/{quote(file_id, safe='')}/content"
                cut |= await result_files.save(self.endpoint, URL(address), into)
        return Fetched(cut)

    async def cancel(self, external_id: str) -> None:
        """It takes up to some minutes to be cancelled."""
        with self._errors_translated():
            await self.client.batches.cancel(external_id)

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        """The SDK's errors in our words."""
        try:
            yield
        except openai.APIStatusError as error:
            said = self.endpoint.scrubber.clean(str(error))
            full = is_queue_full(error.code, error.message)
            raise failure_of(error.status_code, said, queue_full=full) from None
        except openai.OpenAIError as error:
            said = self.endpoint.scrubber.clean(str(error))
            raise SubmissionFailed(said, refused=False) from None


def _file_name(marker: str) -> str:
    return f"{marker}.jsonl"


def _problems(errors: object) -> list[tuple[str, str]]:
    """Code and message of each, whatever form they have: the SDK hands on what it doesn't know."""
    data = getattr(errors, "data", errors)
    listed = data if isinstance(data, list) else [data]
    return [(_words(each, "code"), _words(each, "message")) for each in listed if each]


def _words(problem: object, name: str) -> str:
    if isinstance(problem, str):
        return problem if name == "message" else ""
    told = problem.get(name) if isinstance(problem, dict) else getattr(problem, name, None)
    return told if isinstance(told, str) else ""


def is_queue_full(code: str | None, message: str | None) -> bool:
    """Whether a batch was turned away for the tokens of those before it.

    Such a batch is made, and fails some seconds later with code token_limit_exceeded and "Enqueued
    token limit reached …" (openai/openai-python, issue 2084).
    """
    return code == "token_limit_exceeded" or "enqueued token limit" in (message or "").lower()
