"""What a target is known to refuse: left out of its requests, and remembered once it was found."""

import asyncio
import logging
from collections.abc import Mapping

from django.db import DatabaseError, connections

from llmconfig.client.wire import Body
from llmconfig.client.wire.refused_parameters import adjusted
from llmconfig.configuration import refused_parameters
from llmconfig.configuration.resolution import Target
from llmconfig.configuration.snapshot import Snapshot

logger = logging.getLogger(__name__)


def known(target: Target, configuration: Snapshot) -> frozenset[str]:
    """What the vendor says that the model refuses, and what it has refused so far."""
    key = _key(target)
    held: frozenset[str] | None = configuration.memo.get(key)
    if held is None:
        held = refused_parameters.known(target.provider, target.model_id, configuration)
        configuration.memo[key] = held
    return held


def without(body: Body, refused: frozenset[str]) -> Body:
    """The request without what its server refuses, which is then named among what was dropped."""
    if not refused:
        return body
    content, told = adjusted(body.content, refused)
    return Body(content, body.dropped + told)


def remember(target: Target, configuration: Snapshot, learned: Mapping[str, str]) -> None:
    """Keep what a model has refused, by name with the provider's words; some thread stores it."""
    already = known(target, configuration)
    new = {name: told for name, told in learned.items() if name not in already}
    if not new:
        return
    configuration.memo[_key(target)] = already | new.keys()
    logger.warning(
        "%s/%s refuses %s: it isn't sent there any more.",
        target.provider.name,
        target.model_id,
        ", ".join(new),
    )
    asyncio.get_running_loop().run_in_executor(None, _store, target, new)


def _store(target: Target, learned: Mapping[str, str]) -> None:
    try:
        refused_parameters.remember(target.provider.name, target.model_id, learned)
    except DatabaseError as error:
        logger.warning("What %s refuses was not stored: %s", target.model_id, error)
    finally:
        connections.close_all()  # the thread may never be used again


def _key(target: Target) -> tuple[str, ...]:
    return ("refused", target.provider.name, target.model_id)
