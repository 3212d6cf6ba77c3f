"""What an application waits for its first SDK or LangChain object, and for the next ones.

    make objects

Each line is measured in fresh processes that have set Django up, as a server has when its first
request comes. Needs no database row and calls nobody.
"""

import json
import subprocess
import sys
import time
from statistics import median

import django

OBJECTS = ("openai", "async_openai", "anthropic", "async_anthropic", "langchain")
RUNS = 5
AGAIN = 10_000
GOAL_MS = 500.0


def main() -> None:
    """Print a table; in a process of its own, one measurement."""
    if len(sys.argv) > 1:
        print(json.dumps(_measure(sys.argv[1], preloaded=sys.argv[2] == "True")))
        return
    print(f"{'object':18} {'first':>9}  {'preloaded':>12}  {'after':>9}")
    slow = []
    for name in OBJECTS:
        cold = [_in_a_fresh_process(name, preloaded=False) for _ in range(RUNS)]
        warm = [_in_a_fresh_process(name, preloaded=True) for _ in range(RUNS)]
        first, preloaded = median(each[0] for each in cold), median(each[0] for each in warm)
        after = median(each[1] for each in warm)
        print(f"{name + '()':18} {first:6.0f} ms  {preloaded:9.2f} ms  {after:6.2f} us")
        if preloaded > GOAL_MS:
            slow.append(name)
    print(f"\nMedians of {RUNS} processes. With LLM_PRELOAD the goal is {GOAL_MS:.0f} ms.")
    if slow:
        sys.exit(f"Slower: {', '.join(slow)}.")


def _in_a_fresh_process(name: str, *, preloaded: bool) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.objects", name, str(preloaded)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    first, after = json.loads(ran.stdout)
    return first, after


def _measure(name: str, *, preloaded: bool) -> tuple[float, float]:
    """Milliseconds for the first object, microseconds for a later one."""
    django.setup()
    from llmconfig.client import get_llm, preload

    if preloaded:
        preload(name.removeprefix("async_"))
    began = time.perf_counter()
    getattr(get_llm("planning"), name)()
    first = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    for _ in range(AGAIN):
        getattr(get_llm("planning"), name)()
    return first, (time.perf_counter() - began) / AGAIN * 1e6


if __name__ == "__main__":
    main()
