"""docs/quickstart.md word by word: a wheel, a fresh environment, a fresh project, an enriched row.

The wheel and all that it needs are installed into an environment of its own by pip. Only the
address of the model server and the wheel's path differ from the page.
"""

import json
import os
import re
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

from tests.project.test_wheel import built_wheel

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "quickstart.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADMIN = """
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
client = Client(raise_request_exception=False, HTTP_HOST="localhost")
client.force_login(get_user_model().objects.create_superuser("root", "root@shop.example", "x"))
pages = [reverse("admin:index"), reverse("admin:llm_settings"), reverse("admin:llm_playground")]
pages += [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist")
          for m in admin.site._registry]
print("\\nSTATUSES", len(pages), sorted({client.get(p, follow=True).status_code for p in pages}))
"""


class Reader:
    """Does what the page says, in a folder of its own."""

    def __init__(self, folder: Path, wheel: Path, model_server: str, database: str) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        venv.create(folder / "environment", with_pip=True)
        server = urlsplit(database)
        kept = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
        self.environment = kept | {
            "PATH": f"{folder / 'environment' / 'bin'}:{os.environ['PATH']}",
            "PGHOST": str(server.hostname), "PGPORT": str(server.port or 5432),
            "PGUSER": server.username or "", "PGPASSWORD": server.password or "",
            "PGDATABASE": server.path.strip("/"),
        }  # fmt: skip
        self.instead = {
            "pip install 'nodewise[unfold]'": f"pip install -q '{wheel}[unfold]'",
            "http://localhost:11434/v1": f"{model_server}/v1",
        }
        self.said = ""

    def follow(self, kind: str, text: str) -> None:
        """A block: commands are run, files are made or added to (an AppConfig is replaced)."""
        if kind == "sh":
            for asked, given in self.instead.items():
                text = text.replace(asked, given)
            # What is exported lasts to the next block, as in a terminal.
            script = f"set -e\n{text}\nenv -0 > {self.folder.parent}/exported\n"
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


@pytest.mark.installs
@pytest.mark.timeout(600)
def test_the_quickstart_ends_with_an_enriched_row_an_admin_and_v1(tmp_path, model_server, database):
    reader = Reader(tmp_path, built_wheel(tmp_path), model_server, database)
    blocks = BLOCK.findall(PAGE.read_text())
    outputs = []
    for kind, text in blocks:
        reader.follow(kind, text)
        outputs.append(reader.said)
    where = reader.run("python", "-c", "import llmconfig; print(llmconfig.__file__)")
    assert str(tmp_path) in where
    summary = next(text for text in outputs if "1 row" in text or "1/1" in text)
    assert summary.strip().splitlines()[-1], "no summary was written"
    statuses = reader.run("python", "manage.py", "shell", "-c", ADMIN).rpartition("STATUSES")[2]
    assert statuses.split(maxsplit=1)[1].strip() == "[200]", statuses
    key = reader.said.strip().splitlines()[-1]
    port = "18473"
    server = subprocess.Popen(
        ["python", "manage.py", "runserver", "--noreload", port],
        cwd=reader.folder, env=reader.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        listed = asked(f"http://127.0.0.1:{port}/nodewise/v1/models", key)
    finally:
        server.terminate()
        server.wait(20)
    assert "site_summary" in {each["id"] for each in listed["data"]}
