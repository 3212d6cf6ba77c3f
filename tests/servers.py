"""A pytest plugin (see addopts): starts PostgreSQL and Valkey once a run, before settings load.

Under xdist the controller starts them and its workers inherit the variables; each worker has its
own database (pytest-django) and its own Valkey database number.
"""

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryDirectory

import pytest

from project.embedded.runner import servers

_started = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """Before pytest-django reads the settings."""
    # What is imported and collected stays: to look through it again and again is a quarter of it.
    gc.set_threshold(20_000, 20, 20)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        number = int(re.sub(r"\D", "", worker)) + 1
        os.environ["REDIS_URL"] = re.sub(r"/\d+$", f"/{number}", os.environ["REDIS_URL"])
    else:
        static = _started.enter_context(TemporaryDirectory())  # or whitenoise misses it, aloud
        os.environ["DJANGO_STATIC_ROOT"] = static
        os.environ.update(_started.enter_context(servers()))
    # Or each of some hundred processes would compile all of our modules.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("LLM_DEFAULTS", "")
    # Tests count requests; those of the cache turn it on themselves.
    os.environ["LLM_CACHE_ENABLED"] = "false"
    # Nobody's real account: the tests own the environment.
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name.startswith(("OPENAI_", "ANTHROPIC_")):
            del os.environ[name]
    return (yield)


def pytest_unconfigure() -> None:
    """Ends the servers; in a worker there is nothing to end."""
    _started.close()
