"""Sixteen processes under one provider's limits for over a minute, some of them killed.

    make limits ARGS="--processes 16 --kills 4"

Real processes, Redis, PostgreSQL and an HTTP provider, which counts. Ends with exit 1 if it ever
saw more than 7 requests at once or 600 in any 60 seconds, if the processes used less than they
might, or if the places of the killed ones did not come back.
"""

import asyncio
import os
import random
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import django

MAX_IN_FLIGHT = 7
MAX_PER_MINUTE = 600
WINDOW_SECONDS = 61.0  # docs/limits.md: what counts as any minute
LATENCY_SECONDS = 0.15
CALLS_AT_A_TIME = 5  # of one process: sixteen want eighty at once
FULL_MINUTE_SECONDS = 95.0  # the first 600, the wait, and the next 600
KILL_EVERY_SECONDS = 2.0
POLL_SECONDS = 0.02


@dataclass(slots=True)
class SeenRequests:
    """What was seen from outside while it ran."""

    killed: int = 0
    in_flight_after_kills: int = 0
    samples: int = 0
    stats: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Run several processes against one limit, and judge whether they kept it."""
    options = _options()
    os.environ["LLM_CACHE_ENABLED"] = "false"
    django.setup()
    from django.db import connection

    from benchmarks.database import prepare
    from benchmarks.provider import simulator
    from llmconfig.configuration.revisions import change
    from llmconfig.models import Provider

    with simulator() as provider:
        prepare(provider.url)
        provider.control(latency_ms=LATENCY_SECONDS * 1000)
        with change(source="shell", message="Limits"):
            Provider.objects.update(
                max_concurrency=MAX_IN_FLIGHT, requests_per_minute=MAX_PER_MINUTE
            )
        connection.close()
        provider.reset()
        children = [_child(options.seconds, number) for number in range(options.processes)]
        try:
            seen = _watch(provider, options, children)
        finally:
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
    _judge(seen, options)


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--kills", type=int, default=4, help="Processes killed in the first burst.")
    parser.add_argument("--seconds", type=float, default=FULL_MINUTE_SECONDS)
    return parser.parse_args()


def _child(seconds: float, number: int) -> int:
    """A process that calls as fast as it is let; its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(_call_until(time.monotonic() + seconds, number))
            status = 0
        finally:
            os._exit(status)
    return child


async def _call_until(until: float, number: int) -> None:
    from benchmarks.database import ENRICHMENT
    from llmconfig import client
    from llmconfig.client.types import Call, Message
    from llmconfig.errors import LLMError

    async def caller(place: int) -> None:
        count = 0
        while time.monotonic() < until:
            count += 1
            said: Message = {"role": "user", "content": f"{number} {place} {count}"}
            with suppress(LLMError):
                await client.agenerate(
                    Call(node=ENRICHMENT, messages=[said]), collect=lambda *_: None
                )

    callers = asyncio.gather(*(caller(place) for place in range(CALLS_AT_A_TIME)))
    with suppress(TimeoutError):  # the last calls may wait for the next minute
        await asyncio.wait_for(callers, until - time.monotonic())


def _watch(provider: Any, options: Namespace, children: list[int]) -> SeenRequests:
    """Kill some while places are taken, then look how many are taken in the second burst."""
    seen, began = SeenRequests(), time.monotonic()
    dice = random.Random(1)
    victims = dice.sample(children, min(options.kills, len(children)))
    while (now := time.monotonic() - began) < options.seconds:
        if victims and now > KILL_EVERY_SECONDS * (seen.killed + 1):
            victim = victims.pop()
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            seen.killed += 1
        seen.stats = provider.stats()
        if now > WINDOW_SECONDS:
            seen.samples += 1
            seen.in_flight_after_kills = max(seen.in_flight_after_kills, seen.stats["in_flight"])
        time.sleep(POLL_SECONDS)
    return seen


def _judge(seen: SeenRequests, options: Namespace) -> None:
    bursts = 1 + int(options.seconds // WINDOW_SECONDS)
    # A killed process takes with it what it had been let in for and not sent yet.
    lost = seen.killed * MAX_IN_FLIGHT
    requests, peak = seen.stats["requests"], seen.stats["peak"]["requests_60s"]
    print(
        f"{options.processes} processes, {seen.killed} killed, {options.seconds:.0f} s:"
        f" {requests:,} requests, at most {seen.stats['max_in_flight']} at once (limit"
        f" {MAX_IN_FLIGHT}), at most {peak} in any 60 s (limit {MAX_PER_MINUTE});"
        f" {seen.in_flight_after_kills} at once again after the kills"
    )
    checks = {
        "more were under way than allowed": seen.stats["max_in_flight"] <= MAX_IN_FLIGHT,
        "a minute held more than allowed": peak <= MAX_PER_MINUTE,
        "places stayed empty": seen.stats["max_in_flight"] == MAX_IN_FLIGHT,
        "fewer were let in than allowed": requests >= bursts * MAX_PER_MINUTE - lost,
        "killed processes' places did not come back": bursts == 1
        or seen.in_flight_after_kills == MAX_IN_FLIGHT,
    }
    failed = [what for what, holds in checks.items() if not holds]
    if failed:
        sys.exit("FAILED: " + "; ".join(failed) + ".")


if __name__ == "__main__":
    main()
