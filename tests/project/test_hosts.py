"""Nodewise in a project that is not ours: DRF's defaults, its own users, no setting."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from llmconfig.checks import settings_are_complete
from tests.project.test_api_access import ADMINISTRATOR, VIEWER, WRITERS

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "LLM_",
    "DJANGO_",
    "REDIS_URL",
    "ENVIRONMENT",
    "PYTEST",
    "OPENAI",
    "ANTHROPIC",
    "OPENROUTER",
)
pytestmark = pytest.mark.timeout(600)  # a walk asks thousands of times
PREFIX = "/shop"
RANK = {"stranger": 0, "customer": 1, "viewer": 2, "operator": 3, "administrator": 4}


def environment(database: str, **more: str) -> dict[str, str]:
    """Without what the tests' own project is told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    settings = {"DJANGO_SETTINGS_MODULE": "tests.hosts.settings", "DATABASE_URL": database}
    return kept | settings | more


@pytest.fixture(scope="module")
def databases() -> Iterator[Any]:
    """Makes empty databases."""
    address = urlsplit(os.environ["DATABASE_URL"])
    made: list[str] = []
    with psycopg.connect(urlunsplit(address), autocommit=True) as server:

        def make() -> str:
            made.append(f"nodewise_{uuid4().hex[:12]}")
            server.execute(f'CREATE DATABASE "{made[-1]}"')
            return urlunsplit(address._replace(path=f"/{made[-1]}"))

        yield make
        for name in made:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def walk(database: str, *words: str, **more: str) -> dict[str, Any]:
    """What tests/hosts/walk.py says in a host of this environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hosts.walk", *words],
        cwd=ROOT, env=environment(database, **more),
        capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def walked_database(databases: Any) -> str:
    """Of both walks: migrations take as long as a thousand requests."""
    return str(databases())


@pytest.fixture(scope="module")
def plain(walked_database: str) -> dict[str, Any]:
    """The whole walk: Django's own admin on a site of the host's, no extra, below a prefix."""
    below = json.dumps({"FORCE_SCRIPT_NAME": PREFIX})
    backoffice = "tests.hosts.backoffice.BackofficeConfig"
    return walk(walked_database, HOST_CORE_ONLY="1", HOST_ADMIN=backoffice, HOST_SETTINGS=below)


@pytest.fixture(scope="module")
def themed(walked_database: str, plain: dict[str, Any]) -> dict[str, Any]:
    """The pages with unfold; the addresses of the API know nothing of it."""
    return walk(walked_database, "pages", HOST_THEME="unfold")


@pytest.fixture(scope="module", params=["plain", "themed"])
def pages(request: pytest.FixtureRequest) -> dict[str, Any]:
    said: dict[str, Any] = request.getfixturevalue(request.param)
    return said


def needed(method: str, address: str) -> str:
    """The lowest role that may ask, by the table of our own project."""
    path = address.removeprefix("/models")
    if method == "get" or path.endswith("/no-such-address"):
        return VIEWER
    for pattern, role in WRITERS.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return role
    return ADMINISTRATOR


def test_no_address_answers_strangers_or_customers_whatever_drf_lets_through(plain):
    assert len(plain["api"]["stranger"]) > 300
    for kind, refusal in (("stranger", {401, 403}), ("customer", {403})):
        answered = [each for each in plain["api"][kind] if each[2] not in refusal]
        assert answered == [], kind


def test_each_role_may_what_it_may_in_our_own_project(plain):
    wrong = [
        (kind, method, address, status)
        for kind in ("viewer", "operator", "administrator")
        for method, address, status, _ in plain["api"][kind]
        if status != 405  # nobody's method
        and (status == 403) == (RANK[kind] >= RANK[needed(method, address)])
    ]
    assert wrong == []


def test_the_hosts_own_renderers_versions_and_pages_change_nothing(plain):
    shown = [each for each in plain["api"]["viewer"] if each[0] == "get" and each[2] == 200]
    assert len(shown) > 25
    assert not [each for each in plain["api"]["viewer"] if each[3].startswith("text/html")]


def test_health_is_open_and_plain_wsgi_is_told_that_v1_needs_asgi(plain):
    assert plain["open"] == {
        "healthz": 200, "readyz": 200, "api/health/llm": 503, "v1/models": 501,
    }  # fmt: skip


def test_every_admin_page_opens_with_the_theme_and_without(pages):
    assert len(pages["admin"]) > 60
    # 403: tables that machines write have no page to add to.
    assert [each for each in pages["admin"] if each[1] not in {200, 302, 403}] == []


def test_a_project_below_a_prefix_is_never_left(plain):
    for address, _, elsewhere in plain["admin"]:
        assert address.startswith(f"{PREFIX}/backoffice/")
        assert elsewhere in ([], [PREFIX]), address  # the way to the project itself


def test_the_hosts_users_groups_and_tokens_keep_their_own_pages(pages):
    assert pages["own_admins"] == [
        "django.contrib.auth.admin.GroupAdmin",
        "rest_framework.authtoken.admin.TokenAdmin",
    ]
    assert pages["groups"] == [
        f"nodewise {each}" for each in ("administrator", "operator", "reader", "viewer")
    ]


def test_without_a_field_key_a_developers_project_starts_and_stores_no_key(plain):
    status, body, stored = plain["key"]
    assert plain["debug"] is True
    assert (status, body["error"]["field"]) == (400, "api_key")
    assert "generate_field_key" in body["error"]["message"]
    assert not any(key for (key,) in stored)


def test_calls_are_found_and_summed_by_users_whose_keys_are_uuids(plain):
    people = plain["people"]
    sums = {row["dimensions"]["user"]: row["calls"] for row in people["sums"]["results"]}
    assert sums == {people["key"]: 1, "": 1}
    assert len(people["his"]["results"]) == 1
    assert people["nobodys"]["results"] == []


def manage(*arguments: str, database: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        cwd=ROOT, env=environment(database, **more),
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip


class Told(NamedTuple):
    """What became of one command."""

    returncode: int
    stdout: str
    stderr: str


def manage_all(*commands: list[str], database: str, **more: str) -> list[Told]:
    """Several commands in one process, which saves the time to start."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hosts.commands", json.dumps(commands)],
        cwd=ROOT, env=environment(database, **more),
        capture_output=True, text=True, timeout=250, check=True,
    )  # fmt: skip
    return [Told(*each) for each in json.loads(done.stdout)]


def test_our_tables_need_no_migration_for_the_hosts_defaults(databases):
    done = manage("makemigrations", "--check", "--dry-run", database=databases())
    assert done.returncode == 0, done.stdout


def test_check_says_how_to_make_a_field_key_and_production_does_not_start_without(databases):
    where = databases()
    checked, made = manage_all(["check"], ["generate_field_key"], database=where, HOST_DEBUG="0")
    assert checked.returncode == 1
    assert "llmconfig.E001" in checked.stderr
    assert "generate_field_key" in checked.stderr
    assert manage("migrate", database=where, HOST_DEBUG="0").returncode == 1
    good = manage("check", database=where, HOST_DEBUG="0", HOST_FIELD_KEY=made.stdout.strip())
    assert (good.returncode, "E001" in good.stderr) == (0, False), good.stderr


SAY = "import django; django.setup(); "
QUEUE = SAY + "from enrichment.lane_queue import start_lanes; start_lanes(None)"
BATCHES = SAY + (
    "from types import SimpleNamespace as of; from llmconfig.client import provider_batches;"
    " target = of(provider=of(provider_type='anthropic')); provider_batches.vendor_of(target, 0)"
)
WITHOUT = {  # code of a host that needs an extra: the extra that it is told to install
    SAY + "from llmconfig import client; client.get_llm('reasoning').openai().chat": "openai",
    SAY + "from llmconfig import client; client.get_llm('reasoning').anthropic()": "anthropic",
    SAY + "from llmconfig import client; client.get_llm('reasoning').langchain()": "langchain",
    "import django.conf; django.conf.settings.DEBUG; import nodewise.schedule": "worker",
    QUEUE: "worker",
    BATCHES: "anthropic",
}


EACH_ALONE = """
import json, sys
said = []
for code in json.loads(sys.argv[1]):
    try:
        exec(code, {})
        said.append("")
    except Exception as error:
        said.append(str(error))
print(json.dumps(said))
"""


def test_what_an_extra_brings_is_named_where_it_is_missing():
    done = subprocess.run(
        [sys.executable, "-c", EACH_ALONE, json.dumps(list(WITHOUT))],
        cwd=ROOT, env=environment("postgres://nobody@localhost/none", HOST_CORE_ONLY="1"),
        capture_output=True, text=True, timeout=250, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    for code, error in zip(WITHOUT, said, strict=True):
        assert f"pip install 'nodewise[{WITHOUT[code]}]'" in error, code


@pytest.mark.parametrize(
    ("name", "value", "extra"),
    [("REDIS_URL", "redis://localhost:6379/0", "worker"),
     ("LLM_TRACING_ENDPOINT", "https://collector.example/v1/traces", "tracing")],
)  # fmt: skip
def test_check_names_the_extra_that_a_setting_needs(name, value, extra):
    done = manage(
        "check", database="postgres://nobody@localhost/none",
        HOST_CORE_ONLY="1", HOST_SETTINGS=json.dumps({name: value}),
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{name}: " in done.stderr
    assert f"pip install 'nodewise[{extra}]'" in done.stderr


def test_a_router_keeps_our_tables_in_one_of_several_databases(databases):
    where, other = databases(), databases()
    several = {"HOST_OTHER_DATABASE": other}
    routed = several | {
        "HOST_SETTINGS": json.dumps({"DATABASE_ROUTERS": ["nodewise.routing.Router"]})
    }
    done, checked = manage_all(
        ["migrate", "--database", "other"], ["check"], database=where, **routed
    )
    assert done.returncode == 0, done.stderr
    assert checked.returncode == 0, checked.stderr
    with psycopg.connect(other) as server:
        made = server.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')").fetchall()
    names = {name for (name,) in made}
    assert "people_person" in names
    assert not [name for name in names if name.startswith(("llm_", "enrichment_"))]


def test_another_database_may_be_no_postgresql(databases, tmp_path):
    several = {
        "HOST_OTHER_DATABASE": f"sqlite://{tmp_path}/other.sqlite3",
        "HOST_SETTINGS": json.dumps({"DATABASE_ROUTERS": ["nodewise.routing.Router"]}),
    }
    done = manage("migrate", "--database", "other", database=databases(), **several)
    assert done.returncode == 0, done.stderr
    assert "people" in done.stdout


def test_check_refuses_a_database_that_cannot_be_ours(databases):
    cannot = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    settings = json.dumps({"DATABASES": cannot, "USE_TZ": False})
    for done in manage_all(["check"], ["migrate"], database=databases(), HOST_SETTINGS=settings):
        assert done.returncode == 1
        assert "llmconfig.E007" in done.stderr
        assert "llmconfig.E008" in done.stderr


def test_a_project_without_an_admin_has_the_api_all_the_same(databases):
    apps = [
        "django.contrib.auth", "django.contrib.contenttypes", "rest_framework",
        "tests.hosts.people", "llmconfig", "metrics", "enrichment",
    ]  # fmt: skip
    settings = json.dumps({"INSTALLED_APPS": apps, "ROOT_URLCONF": "nodewise.urls"})
    done = manage("check", database=databases(), HOST_SETTINGS=settings)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("module", "found"), [("shop.ours", "E009"), (None, "W006")])
def test_check_says_that_only_our_own_migrations_make_our_triggers(settings, module, found):
    settings.MIGRATION_MODULES = {"metrics": module, "auth": "elsewhere"}
    said = [each for each in settings_are_complete(None) if "MIGRATION" in each.msg]
    assert [each.id for each in said] == [f"llmconfig.{found}"]
    assert "metrics" in said[0].msg


def test_check_refuses_a_router_that_takes_our_tables_apart(databases):
    routers = json.dumps({"DATABASE_ROUTERS": ["tests.hosts.routers.MetricsElsewhere"]})
    done = manage(
        "check", database=databases(), HOST_OTHER_DATABASE=databases(), HOST_SETTINGS=routers
    )
    assert done.returncode == 1
    assert "llmconfig.E006" in done.stderr
    assert "nodewise.routing.Router" in done.stderr


CELERY = """
import json, django; django.setup()
from nodewise.schedule import SCHEDULE
from tests.hosts.celery_app import app
app.conf.beat_schedule = {"theirs": {"task": "their.task", "schedule": 60.0}, **SCHEDULE}
app.loader.import_default_modules()
missing = {each["task"] for each in SCHEDULE.values()} - set(app.tasks)
print(json.dumps([sorted(missing), len(SCHEDULE), "enrichment.tasks.run_lane" in app.tasks]))
"""


def test_the_hosts_own_celery_finds_every_task_that_the_schedule_names():
    done = subprocess.run(
        [sys.executable, "-c", CELERY],
        cwd=ROOT, env=environment("postgres://nobody@localhost/none"),
        capture_output=True, text=True, timeout=250, check=True,
    )  # fmt: skip
    missing, timers, has_lanes = json.loads(done.stdout)
    assert (missing, has_lanes) == ([], True)
    assert timers >= 10
