"""Processes that call: `python -m tests.llmconfig.callers '{"processes": 16, …}'`.

The parent sets Django up once and forks; each child prints a line of JSON when it has ended.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections import Counter
from typing import Any

import django


async def _call_all(order: dict[str, Any], number: int) -> dict[str, Any]:
    from llmconfig import client  # noqa: PLC0415 - needs Django
    from llmconfig.client.types import Call  # noqa: PLC0415
    from llmconfig.errors import LLMError  # noqa: PLC0415

    ends: Counter[str] = Counter()
    records: list[Any] = []
    gate = asyncio.Semaphore(order["in_flight"])
    until = time.monotonic() + order.get("seconds", 3600)
    messages: list[str] = []

    async def one(index: int) -> None:
        text = order.get("text", "Call {process} {index}").format(process=number, index=index)
        call = Call(
            node=order.get("node", "tag_rows"),
            messages=[{"role": "user", "content": text}],
            given={"max_tokens": order["max_tokens"]} if "max_tokens" in order else {},
        )
        async with gate:
            if time.monotonic() > until:
                return
            try:
                await client.agenerate(call, collect=lambda record, _: records.append(record))
            except LLMError as error:
                ends[type(error).__name__] += 1
                messages.append(str(error))
            else:
                ends["ok"] += 1

    await asyncio.gather(*(one(index) for index in range(order["calls"])))
    return {
        "ends": dict(ends),
        "hits": sum(each.cache_hit for each in records),
        "saved": str(sum(each.saved_usd or 0 for each in records)),
        "cost": str(sum(each.cost_usd or 0 for each in records)),
        "attempts": sum(len(each.attempts) for each in records),
        "message": messages[-1] if messages else "",
    }


def main() -> None:
    """Fork, tell the children's ids, and wait for them."""
    gc.set_threshold(20_000, 20, 20)  # as in the product's own processes
    order = json.loads(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    gc.freeze()  # or each child would look through it, and copy it so
    children = []
    for number in range(order["processes"]):
        child = os.fork()
        if child == 0:
            told = json.dumps(asyncio.run(_call_all(order, number)))
            os.write(1, f"{told}\n".encode())  # in one piece, as others write there too
            os._exit(0)
        children.append(child)
    os.write(2, f"{json.dumps({'children': children})}\n".encode())
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
