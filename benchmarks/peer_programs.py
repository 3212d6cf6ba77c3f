"""What peers do with the same calls. Each runs in its peer's environment, without Django:
`python -m benchmarks.peer_programs NAME …`. The last line on stdout is the Measurement as JSON.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement, Stopwatch
from benchmarks.provider import KEY, MODEL

TEMPERATURE = 0.3
BOUNDLESS = 10**10  # a minute: the number in flight is the only limit


def litellm_router(given: argparse.Namespace, asked: list[Any]) -> Measurement:
    """LiteLLM's Router with asyncio.gather: the calls alone, nothing written."""
    litellm: Any = import_module("litellm")
    target = {"model": f"openai/{MODEL}", "api_base": f"{given.url}/v1", "api_key": KEY}
    router = litellm.Router(
        model_list=[{"model_name": "chat", "litellm_params": target}], num_retries=0
    )

    async def all_of_them() -> None:
        gate = asyncio.Semaphore(given.in_flight)

        async def one(messages: Any) -> str:
            async with gate:
                reply = await router.acompletion(
                    model="chat", messages=messages, temperature=TEMPERATURE
                )
            return str(reply.choices[0].message.content)

        await asyncio.gather(*map(one, asked))

    watch = Stopwatch()
    with watch.running():
        asyncio.run(all_of_them())
    return watch.measurement(in_flight=given.in_flight, rows=len(asked))


def curator(given: argparse.Namespace, asked: list[Any]) -> Measurement:
    """bespokelabs-curator: the calls, kept in its own files."""
    package: Any = import_module("bespokelabs.curator")

    # The package is only in its own environment, so its class can't be named in a statement.
    base: Any = package.LLM
    asker_type: Any = type(
        "Asker",
        (base,),
        {
            "prompt": lambda _, row: row["messages"],
            "parse": lambda *given: {"text": given[-1]},
        },
    )
    watch = Stopwatch()
    with watch.running():
        asker = asker_type(
            model_name=MODEL,
            backend="openai",
            generation_params={"temperature": TEMPERATURE},
            backend_params={
                "base_url": f"{given.url}/v1",
                "api_key": KEY,
                "max_concurrent_requests": given.in_flight,
                "max_requests_per_minute": BOUNDLESS,
                "max_tokens_per_minute": BOUNDLESS,
            },
        )
        asker([{"messages": messages} for messages in asked])
    return watch.measurement(in_flight=given.in_flight, rows=len(asked))


PROGRAMS: dict[str, Callable[[argparse.Namespace, list[Any]], Measurement]] = {
    "litellm_router": litellm_router,
    "curator": curator,
}


def main() -> None:
    """Run the one that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peer_programs")
    parser.add_argument("name", choices=PROGRAMS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--asked", required=True, help="file with a JSON list of messages")
    parser.add_argument("--in-flight", type=int, required=True)
    given = parser.parse_args()
    asked = json.loads(Path(given.asked).read_text(encoding="utf-8"))
    print("\n" + json.dumps(asdict(PROGRAMS[given.name](given, asked))))


if __name__ == "__main__":
    main()
