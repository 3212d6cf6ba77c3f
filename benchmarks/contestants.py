"""The measured programs. Each runs alone in a process: `python -m benchmarks.contestants NAME …`.

Its last line on stdout is the Measurement as JSON. Imports and reading what to ask are done before
the clock starts; opening connections is not.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import django
import orjson
import redis.asyncio  # noqa: F401
import tenacity  # noqa: F401 - a worker has imported these when its first batch comes
import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.utils import timezone  # noqa: E402 - models need Django set up

from benchmarks.database import ENRICHMENT, TEMPERATURE, row_ids  # noqa: E402
from benchmarks.measurement import Measurement, Stopwatch  # noqa: E402
from benchmarks.provider import KEY, MODEL  # noqa: E402
from enrichment.batches import creation  # noqa: E402
from enrichment.batches.creation import Selection  # noqa: E402
from enrichment.batches.progress import progress_of  # noqa: E402
from enrichment.engine.items import load_items  # noqa: E402
from enrichment.engine.lanes import LaneEnd, run_lane  # noqa: E402
from enrichment.enrichments import get  # noqa: E402
from enrichment.listings.models import Animal  # noqa: E402
from llmconfig.client.types import Message  # noqa: E402
from metrics.models import GenerationMetric  # noqa: E402

WRITE_SIZE = 25  # times LLM_BATCH_COMMIT_FREQUENCY; __main__ sets that


def lane(arguments: argparse.Namespace) -> Measurement:
    """Ours: one lane over a whole batch, everything written."""
    rows = row_ids(arguments.rows)
    batch = creation.create(ENRICHMENT, Selection(ids=rows, force=True), write_size=WRITE_SIZE)
    watch = Stopwatch()
    with watch.running():
        end = run_lane(batch.pk, seconds=3600)
    at = progress_of(batch.pk)
    if end != LaneEnd.FINISHED or at.done != len(rows):
        sys.exit(f"The batch ended {end} with {at.done} of {len(rows)} rows: {at.reason}")
    return watch.measurement(in_flight=arguments.in_flight, rows=len(rows))


def one_by_one(arguments: argparse.Namespace) -> Measurement:
    """One call at a time over the openai SDK, each row and its metrics saved and committed."""
    from openai import OpenAI  # only this contestant pays for the import

    rows = row_ids(arguments.rows)
    asked = messages_of(rows)
    animals = Animal.objects.in_bulk(rows)
    watch = Stopwatch()
    with watch.running():
        client: Any = OpenAI(base_url=f"{arguments.url}/v1", api_key=KEY, max_retries=0)
        for key, messages in zip(rows, asked, strict=True):
            reply = client.chat.completions.create(
                model=MODEL, messages=messages, temperature=TEMPERATURE
            )
            _save(animals[key], reply)
    return watch.measurement(in_flight=1, rows=len(rows))


def _save(animal: Animal, reply: Any) -> None:
    animal.enriched_description = reply.choices[0].message.content
    animal.llm_processed_at = timezone.now()
    animal.llm_model_used = reply.model
    animal.save()
    usage = reply.usage
    GenerationMetric.objects.create(
        correlation_id=uuid4(),
        node_type="enricher",
        service_name="enrichment",
        method_name=ENRICHMENT,
        provider="simulated",
        model_used=reply.model,
        tokens_input=usage.prompt_tokens,
        tokens_output=usage.completion_tokens,
        tokens_total=usage.total_tokens,
        cost_usd=(usage.prompt_tokens * Decimal("0.15") + usage.completion_tokens * Decimal("0.60"))
        / 1_000_000,
    )


def sdk(arguments: argparse.Namespace) -> Measurement:
    """The openai SDK with asyncio.gather and a semaphore: the calls alone, nothing written."""
    from openai import AsyncOpenAI  # only this contestant pays for the import

    asked = messages_of(row_ids(arguments.rows))

    async def all_of_them() -> None:
        gate = asyncio.Semaphore(arguments.in_flight)
        client: Any = AsyncOpenAI(base_url=f"{arguments.url}/v1", api_key=KEY, max_retries=0)

        async def one(messages: list[Message]) -> str:
            async with gate:
                reply = await client.chat.completions.create(
                    model=MODEL, messages=messages, temperature=TEMPERATURE
                )
            return str(reply.choices[0].message.content)

        await asyncio.gather(*map(one, asked))
        await client.close()

    watch = Stopwatch()
    with watch.running():
        asyncio.run(all_of_them())
    return watch.measurement(in_flight=arguments.in_flight, rows=len(asked))


def bare(arguments: argparse.Namespace) -> Measurement:
    """aiohttp and orjson with nothing around them: about the most that Python can do here."""
    asked = messages_of(row_ids(arguments.rows))
    address = f"{arguments.url}/v1/chat/completions"
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    async def all_of_them() -> None:
        left = iter(asked)
        connector = aiohttp.TCPConnector(limit=arguments.in_flight)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def some() -> None:
                for messages in left:
                    body = {"model": MODEL, "messages": messages, "temperature": TEMPERATURE}
                    async with session.post(address, data=orjson.dumps(body)) as reply:
                        orjson.loads(await reply.read())

            await asyncio.gather(*(some() for _ in range(arguments.in_flight)))

    watch = Stopwatch()
    with watch.running():
        uvloop.run(all_of_them())
    return watch.measurement(in_flight=arguments.in_flight, rows=len(asked))


def asked(arguments: argparse.Namespace) -> None:
    """What a lane would ask, into a file for programs that know nothing of ours."""
    Path(arguments.asked).write_bytes(orjson.dumps(messages_of(row_ids(arguments.rows))))


def messages_of(rows: Sequence[int]) -> list[list[Message]]:
    """What our own lane would ask for these rows."""
    items = load_items(get(ENRICHMENT), [str(key) for key in rows], variant="")
    return [item.prompt.messages(item.values) for item in items if item.prompt is not None]


CONTESTANTS: dict[str, Callable[[argparse.Namespace], Measurement]] = {
    "lane": lane,
    "one_by_one": one_by_one,
    "sdk": sdk,
    "bare": bare,
}


def main() -> None:
    """Run the one that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contestants")
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    parser.add_argument("--asked", help="write what would be asked here instead of asking")
    given = parser.parse_args()
    if given.asked:
        asked(given)
    else:
        print(json.dumps(asdict(CONTESTANTS[given.name](given))))


if __name__ == "__main__":
    main()
