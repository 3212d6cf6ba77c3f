"""What the machines around us should be set to, and aren't: told at /readyz and on an overview."""

from collections.abc import Iterator

from django.db import DatabaseError

from llmconfig.runtime import database_clock
from nodewise import broker
from nodewise.broker import BrokerLost

KEEPS_ALL = "noeviction"
# The words for strangers.
BROKER_EVICTS, CLOCK_DIFFERS = "broker_evicts", "clock_differs"


def complaints() -> dict[str, str]:
    """By word, what is wrong and the way out; what can't be asked is left to /readyz's states."""
    return dict(_broker()) | dict(_clock())


def _broker() -> Iterator[tuple[str, str]]:
    try:
        with broker.opened() as connection:
            memory = connection.info("memory")
    except BrokerLost:
        return
    policy = str(memory.get("maxmemory_policy", KEEPS_ALL))
    if policy != KEEPS_ALL:
        said = (
            f"The broker's maxmemory-policy is {policy}: when its memory is full it drops queued"
            f" lanes and the counts of limits. Set it to {KEEPS_ALL} (docs/deployment.md)."
        )
        yield BROKER_EVICTS, said


def _clock() -> Iterator[tuple[str, str]]:
    try:
        said = database_clock.complaint(database_clock.compare())
    except DatabaseError:
        return
    if said:
        yield CLOCK_DIFFERS, said
