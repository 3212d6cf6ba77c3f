"""Batches in Celery's other pools; test_killed_workers.py has those in `prefork`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from enrichment import tasks
from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.models import EnrichmentResult
from llmconfig.configuration import snapshot
from llmconfig.models import Budget, LLMConfig, Provider
from metrics.models import GenerationMetric
from tests.enrichment.test_killed_workers import _until, worker

ROOT = Path(__file__).resolve().parents[2]
GREEN = """
import sys, types
{module} = types.ModuleType("{module}")
patcher = types.ModuleType("{module}.{patcher}")
patcher.{question} = lambda name: name == "{about}"
sys.modules |= {{"{module}": {module}, "{module}.{patcher}": patcher}}
"""
GEVENT = GREEN.format(
    module="gevent", patcher="monkey", question="is_module_patched", about="threading"
)
EVENTLET = GREEN.format(
    module="eventlet", patcher="patcher", question="is_monkey_patched", about="thread"
)
STARTED = "import django; django.setup(); import enrichment.tasks"
CALLED = (
    "import django; django.setup(); from llmconfig import client; from llmconfig.client.types"
    " import Call, Message; client.generate(Call('x', [Message(role='user', content='Hello')]))"
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_batch_with_a_budget_a_limit_and_two_lanes_ends_in_each_pool(
    pool: str, provider: Any, make_animals: Any
) -> None:
    make_animals(30)
    LLMConfig.objects.filter(pk=1).update(concurrent_tasks=2)
    Provider.objects.update(max_concurrency=8)
    Budget.objects.create(name="all", hard_limit_usd=100, allow_unpriced=True)
    snapshot.expire()
    batch = creation.create("description_cleaning", Selection(), write_size=5)
    tasks.start_lanes(batch)
    with worker(pool=pool, lanes=2):
        at = _until(lambda at: at.status == "completed", batch)
    assert (at.done, at.failed, at.total) == (30, 0, 30)
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == 30


@pytest.mark.parametrize(
    ("green", "code"),
    [(GEVENT, STARTED), (EVENTLET, CALLED)],
    ids=["gevent-worker", "eventlet-call"],
)
def test_green_threads_are_refused_with_a_word(green: str, code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", green + code], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert "--pool prefork, threads or solo" in last
