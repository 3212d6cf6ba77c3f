"""docs/python-api.md: its examples are run as they stand, and it names what is public."""

import ast
import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncRequestFactory, RequestFactory

from enrichment.models import Batch
from llmconfig import __version__
from nodewise import enrichment, llm, testing
from nodewise.testing import FakeProvider
from tests.enrichment.conftest import *  # noqa: F403 - its fixtures
from tests.enrichment.museum import exhibit_rows
from tests.museum.enrichments import ExhibitLabel
from tests.museum.models import Exhibit
from tests.project.test_hosts import databases, environment  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "python-api.md").read_text()
TEST_MODULE = re.compile(r"^```py\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake(museum):
    with FakeProvider(nodes=("greeting", "extraction", "assistant"), records=True) as provider:
        provider.says("Good morning to you.", node="greeting")
        provider.says({"city": "Paris"}, node="extraction")
        provider.calls_tool("weather", {"city": "Paris"}, node="assistant")
        provider.says("A vase with a dragon on it.", node="exhibit_label")
        yield provider


def run_examples(names: dict[str, Any]) -> None:
    """Each in its turn, as a shell that allows `await` would."""
    for source in EXAMPLE.findall(PAGE):
        code = compile(source, "docs/python-api.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made: Any = eval(code, names)  # noqa: S307 - our own page
        if asyncio.iscoroutine(made):
            async_to_sync(finished)(made)


async def finished(coroutine):
    await coroutine


async def whole(response):
    return b"".join([piece async for piece in response])


def test_every_example_of_the_page_runs_in_its_order(fake, capsys):
    exhibit_rows(3)
    names: dict[str, Any] = {"__name__": "page", "ExhibitLabel": ExhibitLabel, "Exhibit": Exhibit}
    run_examples(names)
    said = capsys.readouterr().out
    assert said.count("Good morning to you.") == 5
    assert "Paris" in said
    assert "unknown_node" in said
    assert "completed 3 1.0 " in said
    assert len(EXAMPLE.findall(PAGE)) > 12
    assert "cancelled" in said
    assert "nothing to try again" in said
    assert "Undone: 3 rows have their values from before." in said
    assert Batch.objects.count() == 4
    # What the page defines works where it says.
    assert b"Good morning" in names["greet"](RequestFactory().get("/")).content
    slow = async_to_sync(names["greet_slowly"])(AsyncRequestFactory().get("/"))
    assert async_to_sync(whole)(slow) == b"Good morning to you."
    command = names["Command"]()
    command.handle()
    assert names["greet_later"]("Ada") == "Good morning to you."
    enrichment.run(ExhibitLabel, wait=True, force=True)
    assert "exhibit_label: completed" in capsys.readouterr().out


@pytest.mark.parametrize("module", [llm, enrichment, testing], ids=lambda each: each.__name__)
def test_the_page_names_everything_that_is_public(module):
    missing = {name for name in module.__all__ if not re.search(rf"\b{name}\b", PAGE)}
    assert missing == set()
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_the_modules_are_found_from_the_package_alone():
    code = "import nodewise; print(nodewise.llm.__name__, nodewise.__version__)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["nodewise.llm", __version__]


def test_a_hosts_own_tests_call_nobody(databases, tmp_path):  # noqa: F811 - a fixture
    sources = [("own.py", (ROOT / "tests" / "hosts" / "own_tests.py").read_text())]
    sources += TEST_MODULE.findall(PAGE)
    for name, source in sources:
        (tmp_path / f"of_host_{name}").write_text(source)
    assert len(sources) == 3
    elsewhere = {"OPENAI_API_KEY": "sk-someones-0123456789", "HOST_MUSEUM": "1",
                 "HOST_SETTINGS": '{"REDIS_URL": "redis://127.0.0.1:9/0"}'}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "nodewise.testing.plugin", "-p", "no:xdist",
         "-p", "no:cacheprovider",
         "-c", os.devnull, "-o", "python_files=*.py", "--rootdir", tmp_path, tmp_path],
        cwd=ROOT, env=environment(databases(), PYTHONPATH=str(ROOT), **elsewhere),
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "11 passed" in done.stdout
