"""docs/quickstart.md word by word: a wheel, a fresh environment, a fresh project, an enriched row.

The wheel is installed into an environment of its own by pip: here beside the packages that are
there, by `make quickstart` with all that it needs. Only the address of the model server and the
wheel's path differ from the page.
"""

import json
import os
import re
import site
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "quickstart.md"
PORT = "18473"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADMIN = """
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
client = Client(raise_request_exception=False, HTTP_HOST="localhost")
people = get_user_model().objects
person = people.filter(is_superuser=True).first()
client.force_login(person or people.create_superuser("root", "root@shop.example", "x"))
pages = [reverse("admin:index"), reverse("admin:llm_settings"), reverse("admin:llm_playground")]
pages += [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist")
          for m in admin.site._registry]
print("\\nSTATUSES", len(pages), sorted({client.get(p, follow=True).status_code for p in pages}))
"""


class Reader:
    """Does what the page says, in a folder of its own.

    With `installs` pip brings every package; else the wheel alone, beside those that are here.
    """

    def __init__(
        self, folder: Path, wheel: Path, model_server: str, database: str, *, installs: bool
    ) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.installs = installs
        self.wheel = wheel
        venv.create(folder / "environment", with_pip=installs)
        if not installs:
            (packages,) = (folder / "environment").glob("lib/python*/site-packages")
            # Twenty processes would look for garbage in all that they import, again and again.
            quick = "import gc; gc.set_threshold(20_000, 20, 20)"
            (packages / "here.pth").write_text("\n".join((quick, *site.getsitepackages())))
            script = folder / "environment" / "bin" / "django-admin"  # as pip makes one
            script.write_text('#!/bin/sh\nexec python -m django "$@"\n')
            script.chmod(0o755)
        server = urlsplit(database)
        kept = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
        self.environment = kept | {
            "PATH": f"{folder / 'environment' / 'bin'}:{os.environ['PATH']}",
            "PGHOST": str(server.hostname), "PGPORT": str(server.port or 5432),
            "PGUSER": server.username or "", "PGPASSWORD": server.password or "",
            "PGDATABASE": server.path.strip("/"),
        }  # fmt: skip
        self.model_server = model_server
        self.said = ""

    def here(self, text: str) -> str:
        """A block's commands with this machine's addresses."""

        def install(asked: re.Match[str]) -> str:
            packages = f"'{self.wheel}{asked[1]}'" if self.installs else f"--no-deps {self.wheel}"
            return f"pip install -q --disable-pip-version-check {packages}"

        text = re.sub(r"pip install 'nodewise(\[[^']*)'", install, text)
        return text.replace("http://localhost:11434/v1", f"{self.model_server}/v1")

    def follow(self, kind: str, text: str) -> None:
        """A block: commands are run, files are made or added to (an AppConfig is replaced)."""
        if kind == "sh":
            # What is exported lasts to the next block, as in a terminal.
            script = f"set -e\n{self.here(text)}\nenv -0 > {self.folder.parent}/exported\n"
            self.said = self.run("sh", "-c", script)
            exported = (self.folder.parent / "exported").read_text().split("\0")
            self.environment = dict(each.split("=", 1) for each in exported if "=" in each)
            return
        first, _, rest = text.partition("\n")
        path = self.folder / first.removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() and path.parent.name == "shop" else ""
        path.write_text(before + rest)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=400, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture
def model_server():
    command = [sys.executable, "-m", "project.embedded.simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process.stdout.readline().strip().rpartition(" ")[2]
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def database():
    address = urlsplit(os.environ["DATABASE_URL"])
    name = f"nodewise_{uuid4().hex[:12]}"
    with psycopg.connect(urlunsplit(address), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(address._replace(path=f"/{name}"))
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def asked(address: str, key: str) -> Any:
    request = Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - loopback
    for _ in range(100):
        try:
            with urlopen(request, timeout=20) as reply:  # noqa: S310 - loopback
                return json.load(reply)
        except URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.2)
    pytest.fail("the development server does not answer")


def pages_of(reader: Reader) -> str:
    """The statuses of the admin's pages, as a list."""
    said = reader.run("python", "manage.py", "shell", "-c", ADMIN)
    return said.rpartition("STATUSES")[2].split(maxsplit=1)[1].strip()


def served(reader: Reader, key: str) -> set[str]:
    """The models that `/v1` lists under the development server."""
    server = subprocess.Popen(
        ["python", "manage.py", "runserver", "--noreload", PORT],
        cwd=reader.folder, env=reader.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        listed = asked(f"http://127.0.0.1:{PORT}/nodewise/v1/models", key)
    finally:
        server.terminate()
        server.wait(20)
    return {each["id"] for each in listed["data"]}


def without_the_theme(reader: Reader) -> None:
    """As a host that wants Django's own admin has it."""
    settings = reader.folder / "shop" / "settings.py"
    kept = re.sub(r'^    "unfold[\w.]*",\n', "", settings.read_text(), flags=re.MULTILINE)
    settings.write_text(re.sub(r"^UNFOLD = .*\n", "", kept, flags=re.MULTILINE))
    assert "unfold" not in settings.read_text().lower()


@pytest.mark.xdist_group("wheel")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "installs", [False, pytest.param(True, marks=pytest.mark.installs)], ids=["beside", "installed"]
)
def test_the_quickstart_ends_with_an_enriched_row_an_admin_and_v1(
    tmp_path, wheel, model_server, database, installs
):
    reader = Reader(tmp_path, wheel, model_server, database, installs=installs)
    blocks = BLOCK.findall(PAGE.read_text())
    before = [text for _, text in blocks].index(next(t for _, t in blocks if "DEBUG = False" in t))
    outputs = []
    for kind, text in blocks[:before]:
        reader.follow(kind, text)
        outputs.append(reader.said)
    where = reader.run("python", "-c", "import llmconfig; print(llmconfig.__file__)")
    assert str(tmp_path) in where
    summary = next(text for text in outputs if "1 row" in text or "1/1" in text)
    assert summary.strip().splitlines()[-1], "no summary was written"
    key = reader.said.strip().splitlines()[-1]
    assert "site_summary" in served(reader, key)
    assert pages_of(reader) == "[200]"
    for kind, text in blocks[before:]:  # production; `check --deploy` fails at its first warning
        reader.follow(kind, text)
    without_the_theme(reader)
    if installs:
        reader.run("python", "-m", "pip", "uninstall", "-q", "-y", "django-unfold")
    reader.follow("sh", blocks[-1][1].splitlines()[-1])
    del reader.environment["DJANGO_SECRET_KEY"]
    assert pages_of(reader) == "[200]"
