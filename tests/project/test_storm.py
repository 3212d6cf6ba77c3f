"""`make storm` with one disaster of each kind; the whole show is for people."""

import os
import subprocess
import sys

import pytest

GIVEN = ("DATABASE_URL", "REDIS_URL", "LLM_LOCAL_URL", "LLM_CACHE_ENABLED")


@pytest.mark.timeout(600)
def test_a_batch_outlives_a_kill_a_stop_and_crashes_of_its_servers():
    one_of_each = [f"--{disaster}=1" for disaster in ("kills", "stops", "postgres", "valkey")]
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.storm", *one_of_each, "--rows=1600", "--in-flight=10"],
        env={name: value for name, value in os.environ.items() if name not in GIVEN},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 workers killed, 1 stopped past their lease" in ran.stdout
    assert "the stopped worker wakes" in ran.stdout
    assert "NOT" not in ran.stdout
