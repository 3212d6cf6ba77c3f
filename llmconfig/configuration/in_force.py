"""What a call goes by: the snapshot, or the environment in a process that never had one.

While the database was never reached, calls are served by the provider whose key the environment
holds, if there is one. Nodes are then those of LLM_NODES_FILE, so that their names and parameters
are known; there are no budgets, limits or master switch, since nobody can be asked for them.
"""

import logging
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.db import InterfaceError, OperationalError, ProgrammingError

from llmconfig import project_settings, provider_types
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import Choice, NodeFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.configuration.sync import nodes_file
from llmconfig.errors import ConfigurationUnavailable, NodesFileInvalid
from llmconfig.models import InteractionType

logger = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError, ProgrammingError)  # or not migrated
NOTHING: Mapping[Any, Any] = MappingProxyType({})


def current() -> Snapshot:
    """The configuration for a call.

    Raises ConfigurationUnavailable where the database doesn't answer, and nothing else can serve.
    """
    try:
        return snapshot.current()
    except DATABASE_AWAY as error:
        return _without_database(error)


async def acurrent() -> Snapshot:
    """The same from async code."""
    try:
        return await snapshot.acurrent()
    except DATABASE_AWAY as error:
        return _without_database(error)


def _without_database(error: Exception) -> Snapshot:
    why = str(error).partition("\n")[0]
    kind = provider_types.last_resort()
    if snapshot.was_known() or kind is None:
        raise ConfigurationUnavailable(
            f"The configuration can't be read: {why} Is the database up, and has `migrate` run?"
        ) from error
    logger.warning("The configuration can't be read, using %s: %s", kind.key_variable, why)
    return _by_environment()


def _by_environment() -> Snapshot:
    """No provider, so that each call comes to the environment."""
    return Snapshot(
        revision=0,
        token=None,
        providers=NOTHING,
        models=NOTHING,
        listed=NOTHING,
        tiers=NOTHING,
        interactions=NOTHING,
        nodes={node.name: node for node in _nodes()},
        user_choices=NOTHING,
        experiments=NOTHING,
        degradations=NOTHING,
        budgets=(),
        processing=NOTHING,
        refused=NOTHING,
    )


def _nodes() -> Iterator[NodeFacts]:
    for path in project_settings.nodes_files():
        try:
            entries = nodes_file.read(path)
        except (FileNotFoundError, NodesFileInvalid) as error:
            logger.warning("The nodes of %s can't be read: %s", path, error)
            continue
        for entry in entries:
            if entry.section:
                continue
            choice = Choice(
                temperature=entry.values.get("default_temperature"),
                max_tokens=entry.values.get("default_max_tokens"),
            )
            kind = str(entry.values.get("interaction_type") or InteractionType.REASONING)
            yield NodeFacts(entry.name, kind, choice, azure=Choice(), tracing=False)
