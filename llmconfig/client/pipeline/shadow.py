"""The arms of shadow experiments: asked as well, paid, recorded, their answers never used.

They start when the call itself has its answer, so that they take no place from it under the limits,
and run on the process's background loop, so that neither the caller nor its event loop waits for
them, with the call's own labels but for the service name. Limits and budgets hold for them as for
every call.
"""

import asyncio
import logging

from llmconfig.client.http import background_loop
from llmconfig.client.pipeline import generation, outcome, publishing
from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import Resolution
from llmconfig.errors import LLMError
from llmconfig.runtime.per_loop import PerLoop
from llmconfig.runtime.records import replace

logger = logging.getLogger(__name__)

SERVICE = "shadow"
MAX_AT_ONCE = 32  # in a process; more are left out, so that a slow arm piles up nothing
_in_flight: PerLoop[set[asyncio.Task[None] | None]] = PerLoop(set)


def ask_beside(state: GenerationState) -> None:
    """Ask the shadow arm that has the call's key, too; returns at once."""
    background_loop.submit(_ask(state.call, state.resolution))


async def _ask(call: Call, answered: Resolution) -> None:
    in_flight = _in_flight.get()
    if len(in_flight) >= MAX_AT_ONCE:
        return
    task = asyncio.current_task()
    in_flight.add(task)
    try:
        await _carry_out(call, answered)
    except LLMError as error:
        logger.warning("The shadow of a call of %s was not made: %s", call.node, error)
    except Exception:
        logger.exception("The shadow of a call of %s failed.", call.node)
    finally:
        in_flight.discard(task)


async def _carry_out(call: Call, answered: Resolution) -> None:
    labels = replace(call.labels, service_name=SERVICE)
    beside = replace(call, labels=labels, correlation_id=None)
    state = GenerationState(beside, await snapshot.acurrent(), shadow=True)
    if _asks_the_same(state.resolution, answered):
        return  # the caller's or the user's own choice goes before both arms
    await generation.carry_out(state)
    await publishing.astore(publishing.record_of(state), outcome.texts_of(state))


def _asks_the_same(one: Resolution, other: Resolution) -> bool:
    return _targets(one) == _targets(other)


def _targets(resolution: Resolution) -> set[tuple[object, ...]]:
    return {
        (each.provider.name, each.model_id, each.temperature, each.max_tokens)
        for each in resolution.targets
    }
