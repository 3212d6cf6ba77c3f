"""Contestants in processes of their own, and what they are set to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.peers import ROOT

WRITES_TOGETHER = 4
RUN_SECONDS = 900


def settings(in_flight: int) -> dict[str, str]:
    """Variables of a batch with so many calls in flight."""
    return {
        "LLM_BATCH_CONCURRENT": str(in_flight),
        "LLM_BATCH_COMMIT_FREQUENCY": str(WRITES_TOGETHER),
        "LOG_LEVEL": "WARNING",
    }


def measure(
    name: str,
    url: str,
    *,
    rows: int,
    in_flight: int,
    checkout: Path = ROOT,
    surroundings: Mapping[str, str] = os.environ,
) -> Measurement:
    """Run a contestant of a checkout beside the provider at `url`; ends our process if it fails.

    `surroundings` are the variables that it finds besides, such as those of its database.
    """
    command = [sys.executable, "-m", "benchmarks.contestants", name, "--url", url]
    command += ["--rows", str(rows), "--in-flight", str(in_flight)]
    return run(name, command, {**surroundings, **settings(in_flight)}, folder=checkout)


def run(
    name: str, command: list[str], environment: Mapping[str, str], *, folder: Path = ROOT
) -> Measurement:
    """Run a program whose last line is its measurement; ends our process if it fails."""
    ran = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if ran.returncode:
        sys.exit(f"{ran.stderr}\n{name} failed; see above.")
    return Measurement(**json.loads(ran.stdout.splitlines()[-1]))
