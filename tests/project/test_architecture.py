"""What keeps the house in shape: the layers, the guard of the tests, imports and locks."""

import asyncio
import json
import os
import re
import site
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("llmconfig", "metrics", "enrichment", "project")  # the lowest first
ELSEWHERE = "192.0.2.1"  # TEST-NET-1: routed nowhere
LATE_IMPORTS = (
    "openai", "anthropic", "genai_prices", "rich", "xllamacpp", "openpyxl",
    "opentelemetry.exporter", "bandit",
)  # fmt: skip
# Only what calls somebody needs these.
CALLING = ("redis.asyncio", "jsonschema", "llmconfig.client.api")
PTH_FILES = {
    "cmeel.pth",  # the OpenMP library of the demo's model server
    "distutils-precedence.pth",  # setuptools, as venv brings it on Python 3.11
}


def upward(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """Relations of our tables to a table of a higher layer; Django's own tables are below all."""
    for model in found:
        if model._meta.app_label not in LAYERS:
            continue
        for field in (*model._meta.fields, *model._meta.many_to_many):
            if field.related_model is None:
                continue
            target = field.related_model._meta.app_label
            if target in LAYERS[LAYERS.index(model._meta.app_label) + 1 :]:
                yield f"{model._meta.label}.{field.name} -> {target}"


def test_no_foreign_key_points_up_the_layers():
    assert list(upward(apps.get_models(include_auto_created=True))) == []


@isolate_apps("llmconfig", "enrichment")
def test_a_foreign_key_that_pointed_up_would_be_found():
    class Animal(models.Model):  # noqa: DJ008 - never a row
        class Meta:
            app_label = "enrichment"

    class Provider(models.Model):  # noqa: DJ008 - never a row
        animal = models.ForeignKey(Animal, on_delete=models.CASCADE)

        class Meta:
            app_label = "llmconfig"

    assert list(upward([Animal, Provider])) == ["llmconfig.Provider.animal -> enrichment"]


@pytest.fixture
def plain() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.settimeout(1)
        yield made


def test_a_test_that_leaves_the_machine_is_refused(plain):
    with pytest.raises(AssertionError, match=ELSEWHERE):
        plain.connect((ELSEWHERE, 443))


def test_a_test_that_leaves_the_machine_from_an_event_loop_is_refused():
    with pytest.raises(AssertionError, match=ELSEWHERE):
        asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 443), timeout=1))


def test_a_test_that_leaves_the_machine_without_an_exception_is_refused(plain):
    with pytest.raises(AssertionError, match=ELSEWHERE):
        plain.connect_ex((ELSEWHERE, 443))


# What each kind of process runs when it starts, and what it doesn't need for that.
WORKER = "from project.celery import app; app.loader.import_default_modules()"
ANSWERS_HEALTHZ = """
import io, project.asgi
from django.core.handlers.wsgi import WSGIHandler
asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "SERVER_NAME": "localhost"}
given = {"SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO()}
assert WSGIHandler()(asked | given, lambda *_: None).status_code == 200
"""
PAGES = ("project.urls", "llmconfig.admin", "unfold.admin", "rest_framework.views")
JUDGES = ("jsonschema", "enrichment.quality.gates")
STARTS = {
    "pass": (
        "llmconfig.client.http.transport", "enrichment.batches.lifecycle",
        "enrichment.enrichments.contract", *JUDGES,
    ),
    "import project.asgi": ("celery", *PAGES, *JUDGES),
    ANSWERS_HEALTHZ: ("celery", *PAGES, *JUDGES),
    "import project.urls": ("celery", "django.test", "llmconfig.gateway.application"),
    WORKER: (*PAGES, *JUDGES),
}  # fmt: skip


EACH_FROM_SETUP = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
import django; django.setup()
for start, late in json.loads(sys.argv[1]):
    if os.fork() == 0:
        exec(start, {})
        print(json.dumps([start, [name for name in late if name in sys.modules]]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, start
"""


@pytest.fixture(scope="module")
def imported_too_early() -> dict[str, list[str]]:
    """By what is run right after `django.setup()`, each in a fork of one process."""
    orders = [(start, (*LATE_IMPORTS, *others)) for start, others in STARTS.items()]
    done = subprocess.run(
        [sys.executable, "-c", EACH_FROM_SETUP, json.dumps(orders)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("start", STARTS)
def test_starting_imports_nothing_that_only_others_need(start, imported_too_early):
    """The SDKs cost 0.6 and 1.1 s; the admin's pages half of a worker's start."""
    assert imported_too_early[start] == []


PARENT = """
import django; django.setup()
import sys
from enrichment import tasks
early = "enrichment.quality.gates" in sys.modules
tasks.load_enrichments()
print(early, "enrichment.quality.gates" in sys.modules)
"""


def test_a_workers_parent_loads_what_judges_answers_for_all_its_children():
    done = subprocess.run(
        [sys.executable, "-c", PARENT], cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "project.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True"]


SENDS = """
import django; django.setup()
import sys; early = "celery" in sys.modules
from types import SimpleNamespace
from enrichment import lane_queue
from enrichment.errors import NoWorkers
try:
    lane_queue.start_run(SimpleNamespace(pk=1))
except NoWorkers:
    from celery import current_app
    print(early, current_app.main, current_app.conf.broker_url)
"""


def test_who_hands_workers_something_does_so_by_the_projects_application():
    nobody = "redis://127.0.0.1:1/0"
    settings = {"DJANGO_SETTINGS_MODULE": "project.settings", "REDIS_URL": nobody}
    done = subprocess.run(
        [sys.executable, "-c", SENDS], cwd=ROOT, env=os.environ | settings,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "nodewise", nobody]


def test_a_host_that_calls_nobody_yet_has_not_loaded_what_calls():
    code = (
        "import django, sys; django.setup(); "
        f"print(*(name for name in {CALLING} if name in sys.modules))"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "tests.hosts.settings", "HOST_CORE_ONLY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | settings,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == []


def test_only_known_packages_run_code_whenever_python_starts():
    """A stolen package got in by a .pth file (PYSEC-2026-2)."""
    found = {path.name for place in site.getsitepackages() for path in Path(place).glob("*.pth")}
    assert found <= PTH_FILES


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package of a lock."""
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, tuple[str, int]] = {}
    for line in lines:
        match = re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", line)
        assert match, f"{name}: {line[:60]!r} pins no version"
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}(?= |$)", line)
        found[canonicalize_name(match[1])] = (match[2], len(hashes))
    return found


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_a_lock_has_hashes_and_no_index_address(name):
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", text)) <= {"--hash"}
    assert all(hashes for _, hashes in locked(name).values())


def test_the_locks_agree_and_hold_what_pyproject_asks_for():
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = whole["project"]
    base, dev = locked("base.txt"), locked("dev.txt")
    assert base.items() <= dev.items()
    asked = [(text, base) for text in project["dependencies"]]
    extras = [*project["optional-dependencies"].values(), *whole["dependency-groups"].values()]
    asked += [(text, dev) for extra in extras for text in extra]
    for text, lock in asked:
        wanted = Requirement(text)
        version, _ = lock[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), text
