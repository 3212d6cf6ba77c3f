"""The simulated provider as a process of its own, with the latency that the figures assume."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.measurement import LATENCY_SECONDS

MODEL = "gpt-4o-mini"
KEY = "sk-benchmark-0123456789"


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator, steered and counted over HTTP."""

    url: str

    def reset(self) -> None:
        self._ask("/_reset", {})

    def paid(self) -> int:
        """Answers that would have been billed since the last reset."""
        return int(self._ask("/_stats")["paid"])

    def stats(self) -> dict[str, Any]:
        return self._ask("/_stats")

    def plan(self, **plan: Any) -> None:
        """Have requests fail as planned (docs/simulator.md)."""
        self._ask("/_plan", plan)

    def settled(self) -> dict[str, Any]:
        """The same, once nothing more is being answered."""
        while (found := self.stats())["in_flight"]:
            time.sleep(0.05)
        return found

    def control(self, **settings: Any) -> None:
        self._ask("/_control", settings)

    def _ask(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data)  # noqa: S310 - loopback
        with urlopen(request, timeout=10) as reply:  # noqa: S310 - loopback
            answer: dict[str, Any] = json.load(reply)
        return answer


@contextmanager
def simulator() -> Iterator[Simulator]:
    """Start it on a free port; it ends with the block."""
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    # Whole answers and nothing besides: nearly all pass the gates, as good models' do.
    command += ["--latency-ms", str(LATENCY_SECONDS * 1000), "--whole"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        said = process.stdout.readline()
        if not said.startswith("listening on "):
            sys.exit("The simulator did not start; see above.")
        yield Simulator(said.split()[-1])
    finally:
        process.terminate()
        process.wait(10)
