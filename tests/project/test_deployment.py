"""The image and the Compose file, as far as they can be tried without a Docker engine."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import yaml
from jsonschema import Draft202012Validator

from enrichment.engine.lanes import LANE_SECONDS
from nodewise.schedule import TIMER_QUEUE
from project.healthcheck import host_header, is_healthy
from tests.forks import forked

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).parent / "data" / "compose-spec.json"
OURS = ("migrate", "web", "worker", "timers", "beat")
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The address of a database that has no tables yet."""
    address = urlsplit(os.environ["DATABASE_URL"])
    name = f"nodewise_{uuid4().hex[:12]}"
    with psycopg.connect(urlunsplit(address), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(address._replace(path=f"/{name}"))
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def test_the_compose_file_obeys_the_compose_specification(compose):
    problems = Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(compose)
    assert [f"{each.json_path}: {each.message}" for each in problems] == []


def test_the_schema_refuses_a_misspelled_key(compose):
    wrong = {"services": {"web": {**compose["services"]["web"], "stop_grace": "90s"}}}
    assert not Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid(wrong)


def test_every_service_has_a_health_check_and_bounded_logs(compose):
    for name, service in compose["services"].items():
        checked = "healthcheck" in service or "HEALTHCHECK" in DOCKERFILE
        assert checked, name
        assert service["logging"]["options"]["max-size"], name


def test_servers_start_after_the_database_was_prepared(compose):
    for name in ("web", "worker", "timers", "beat"):
        waits = compose["services"][name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert {waits[each]["condition"] for each in ("postgres", "valkey")} == {"service_healthy"}


def test_a_worker_may_finish_its_lane_before_it_is_killed(compose):
    grace = seconds(compose["services"]["worker"]["stop_grace_period"])
    assert grace >= LANE_SECONDS + 15


def test_the_short_timers_have_a_service_that_serves_their_queue(compose):
    """So that alerts don't wait for lanes; worker, which names no queue, would serve it as well."""
    assert f"--queues={TIMER_QUEUE}" in compose["services"]["timers"]["command"]
    assert "--queues" not in " ".join(compose["services"]["worker"]["command"])
    assert "outside" in compose["services"]["timers"]["networks"]  # receivers of alerts


def test_no_password_stands_in_the_compose_file(compose):
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "DJANGO_ALLOWED_HOSTS"):
        assert re.findall(rf"\$\{{{name}(?!:\?)", text) == [], f"{name} has a default"
    for name in OURS:
        environment = compose["services"][name]["environment"]
        assert "DJANGO_SECRET_KEY" not in environment
        assert "LLM_FIELD_KEYS" not in environment
    assert set(compose["secrets"]) == set(compose["services"]["web"]["secrets"])


def test_database_and_broker_are_reached_from_inside_only(compose):
    assert compose["networks"]["data"]["internal"]
    for name in ("postgres", "valkey"):
        service = compose["services"][name]
        assert service["networks"] == ["data"]
        assert "ports" not in service


def test_our_containers_can_change_nothing_of_their_image(compose):
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    assert DOCKERFILE.index("\nUSER nodewise") < DOCKERFILE.index("\nCMD")


def test_the_image_copies_what_exists_and_the_builder_is_sent_it():
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE)
        for source in line.split()[:-1]
    }
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_installs_from_the_lock_by_hash():
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in each and "/tmp/base.txt" in each for each in installs)  # noqa: S108 - a path in the image


def test_static_files_are_collected_with_what_the_dockerfile_sets(tmp_path):
    command = re.search(r"^RUN (DJANGO_SECRET_KEY=.+?) && ", DOCKERFILE, flags=re.MULTILINE)
    assert command
    words = shlex.split(command[1])
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    done = subprocess.run(
        [sys.executable, *words[words.index("python") + 1 :]],
        cwd=ROOT,
        env={
            **variables,
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "production",
            "DJANGO_STATIC_ROOT": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "llmconfig/admin.css" in (tmp_path / "staticfiles.json").read_text()


def test_replicas_that_prepare_at_once_take_turns(empty_database):
    """Without the lock, `migrate` twice at once fails on the first table."""
    prepare = "from django.core.management import call_command; call_command('prepare')"
    with forked(prepare, 3, logged=True, DATABASE_URL=empty_database) as replicas:
        output = replicas.communicate(timeout=250)[0]
    assert replicas.returncode == 0, output
    created = [int(each) > 0 for each in re.findall(r"total, (\d+) created", output)]
    assert sorted(created) == [False, False, True], output
    with psycopg.connect(empty_database) as database:
        rows = database.execute("SELECT count(*) FROM llm_config").fetchone()
    assert rows == (1,)


def test_prepare_says_which_database_is_away():
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The database can't be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Answers 200 to /healthz under the host names it was given, else 400, as Django does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/healthz" and self.headers["Host"] == "nodewise.example"
            self.send_response(200 if known else 400)
            self.end_headers()

        def log_message(self, *args: object):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_the_health_check_asks_under_an_allowed_name(server, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOWED_HOSTS", ".nodewise.example,10.0.0.1")
    assert is_healthy(server.server_port)
    monkeypatch.setenv("DJANGO_ALLOWED_HOSTS", "other.example")
    assert not is_healthy(server.server_port)


def test_the_health_check_fails_when_nothing_listens():
    assert not is_healthy(1)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [("a.example,b.example", "a.example"), (".a.example", "a.example"), ("*", "localhost")],
)
def test_the_health_check_makes_a_host_header(allowed, host):
    assert host_header(allowed) == host


def test_a_read_only_service_takes_its_secrets_from_files(compose):
    """Compose refuses others: `file` is the sole supported option there (docker/compose 12531)."""
    for name, service in compose["services"].items():
        if service.get("read_only"):
            sources = [compose["secrets"][each] for each in service.get("secrets", ())]
            assert all(set(each) == {"file"} for each in sources), name


def test_the_build_context_holds_all_that_the_image_copies():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, flags=re.MULTILINE)
    assert {f"!{each}" for each in copied} <= set(ignored)


def test_what_must_outlive_a_container_lies_on_a_volume(compose):
    """The answers that are paid for, and the records of calls."""
    folders = {
        "worker": compose["services"]["worker"]["environment"]["LLM_SPOOL_DIR"],
        "web": re.findall(r"LLM_JOURNAL_DIR=(\S+)", DOCKERFILE)[0],
    }
    for name, folder in folders.items():
        (mounted,) = compose["services"][name]["volumes"]
        volume, _, path = mounted.partition(":")
        assert folder.startswith(f"{path}/")
        assert volume in compose["volumes"]


def test_the_compose_file_passes_on_what_the_documents_have_one_put_into_env(compose):
    """Compose gives a container nothing of .env by itself."""
    text = (ROOT / "docker-compose.yml").read_text()
    page = (ROOT / "docs" / "deployment.md").read_text()
    named = set(re.findall(r"echo ([A-Z_]+)=", page))
    named |= set(re.findall(r"`([A-Z_]+)` in `\.env`", page))
    assert {"FORWARDED_ALLOW_IPS", "VALKEY_PASSWORD"} <= named
    assert [name for name in named if f"${{{name}:" not in text] == []
    assert compose["services"]["worker"]["env_file"] == [
        {"path": "settings.env", "required": False}
    ]


def test_every_image_can_be_named_by_its_digest(compose):
    images = [each["image"] for each in compose["services"].values()]
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:\w+\}", image) for image in images), images
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}"] * 2
