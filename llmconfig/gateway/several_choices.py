"""Several answers to one request: asked at once where the target takes that, else side by side."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from llmconfig import client, provider_types
from llmconfig.client.pipeline import refusals
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.structured_output import SchemaUnusable
from llmconfig.client.types import Call, Delta, Generation
from llmconfig.client.wire.refused_parameters import CHOICES
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import LLMError
from llmconfig.runtime.records import replace

MAX_AT_ONCE = 16  # calls of one request in flight
MAX_WAITING = 64  # pieces for a slow reader
Piece = tuple[int, Delta | Generation]
WIRE = "openai"  # the one that knows requests for several answers


async def can_be_one(calls: Sequence[Call]) -> bool:
    """Whether all of them may be asked in one request.

    They ask the same, of targets that aren't known to refuse it. Answers that must obey a schema
    are asked one by one: each is judged and repaired by itself.
    """
    first = calls[0]
    if first.schema is not None or any(each.messages != first.messages for each in calls):
        return False
    configuration = await snapshot.acurrent()
    try:
        found = resolve(
            first.node, snapshot=configuration, user_id=first.user_id, given=first.given
        )
    except LLMError:
        return False  # which the calls will tell
    if found.interaction_type in configuration.degradations:
        return False  # a cheaper target may be another kind of server
    return all(_takes_several(each, configuration) for each in found.targets)


def _takes_several(target: Target, configuration: Snapshot) -> bool:
    kind = provider_types.get(target.provider.provider_type)
    if kind.wire_of(target.model_id) != WIRE:
        return False
    return CHOICES not in refusals.known(target, configuration)


async def generate_together(calls: Sequence[Call], collect: Collect | None) -> list[Generation]:
    """Ask once for all of them; what doesn't come is asked one by one."""
    first = await client.agenerate(_together(calls), collect=collect)
    made = [first, *first.others][: len(calls)]
    return made + await generate(calls[len(made) :], collect)


async def stream_together(calls: Sequence[Call], collect: Collect | None) -> AsyncGenerator[Piece]:
    """The same as pieces while they come; at last the Generation of each answer."""
    came = 1
    async with aclosing(client.astream(_together(calls), collect=collect)) as told:
        async for piece in told:
            if isinstance(piece, Delta):
                yield piece.choice, piece
                continue
            came += len(piece.others)
            for place, made in enumerate((piece, *piece.others)):
                yield place, made
    if came >= len(calls):
        return
    async with aclosing(stream(calls[came:], collect)) as others:
        async for place, each in others:
            yield came + place, each


def _together(calls: Sequence[Call]) -> Call:
    return replace(calls[0], choices=len(calls), use_cache=False)


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
