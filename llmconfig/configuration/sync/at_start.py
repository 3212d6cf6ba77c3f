"""The files' configuration when a server or worker starts, where LLM_SYNC_AT_START asks for it."""

import logging

from django.db import DatabaseError

from llmconfig import project_settings
from llmconfig.configuration.sync.comparison import Side
from llmconfig.configuration.sync.writing import sync
from llmconfig.errors import ConfigurationError

logger = logging.getLogger(__name__)


def policy() -> Side | None:
    """Who wins by LLM_SYNC_POLICY; None compares three ways, as docs/nodes.md says."""
    word = project_settings.sync_policy()
    return Side(word) if word else None


def sync_at_start() -> None:
    """Sync, if it is asked for; what goes wrong is logged, and the process starts all the same."""
    if not project_settings.syncs_at_start():
        return
    try:
        done = sync(*project_settings.nodes_files(), take=policy())
    except (FileNotFoundError, ConfigurationError, DatabaseError) as error:
        logger.warning("The configuration was not synced, it stays as it is: %s", error)
    else:
        logger.info("LLM configurations at the start: %s", done.totals)
        for note in done.notes:
            logger.warning("LLM config %s", note)
