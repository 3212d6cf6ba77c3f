"""Several answers to one request, asked side by side and told as choices of one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from llmconfig import client
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.structured_output import SchemaUnusable
from llmconfig.client.types import Call, Delta, Generation
from llmconfig.errors import LLMError

MAX_AT_ONCE = 16  # calls of one request in flight
MAX_WAITING = 64  # pieces for a slow reader
Piece = tuple[int, Delta | Generation]


async def generate(calls: Sequence[Call], collect: Collect | None) -> list[Generation]:
    """Carry all of them out; the first failure ends the others and is raised."""
    room = asyncio.Semaphore(MAX_AT_ONCE)

    async def one(call: Call) -> Generation:
        async with room:
            return await client.agenerate(call, collect=collect)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(call)) for call in calls]
    except ExceptionGroup as failed:  # not `except*`, which raises a group again
        told, others = failed.split((LLMError, SchemaUnusable))
        if told is None or others is not None:
            raise
        raise told.exceptions[0] from None
    return [task.result() for task in tasks]


async def stream(calls: Sequence[Call], collect: Collect | None) -> AsyncGenerator[Piece]:
    """Their pieces as they come, each with its call's place; at last each Generation.

    The first failure ends the others and is raised.
    """
    room = asyncio.Semaphore(MAX_AT_ONCE)
    pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue(MAX_WAITING)

    async def one(place: int, call: Call) -> None:
        try:
            async with room, aclosing(client.astream(call, collect=collect)) as told:
                async for piece in told:
                    await pieces.put((place, piece))
        except Exception as error:  # noqa: BLE001 - raised where the pieces are read
            await pieces.put(error)

    tasks = [asyncio.create_task(one(place, call)) for place, call in enumerate(calls)]
    try:
        left = len(tasks)
        while left:
            piece = await pieces.get()
            if isinstance(piece, Exception):
                raise piece
            left -= isinstance(piece[1], Generation)
            yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
