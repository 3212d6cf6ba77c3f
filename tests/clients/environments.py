"""An environment of its own for each client, in the user's cache: made once a version.

They are in `$CLIENTS_FOLDER`, else below `$XDG_CACHE_HOME` or `~/.cache`, so that every checkout
uses the same. uv makes them where it is on the PATH, else venv and pip.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.listing import MatrixClient

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"


def cache() -> Path:
    """Where environments, homes and results are."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CLIENTS_FOLDER") or users / "nodewise" / "clients")


def slug(client: MatrixClient) -> str:
    """The client's name as a file's."""
    return re.sub(r"\W+", "-", client.shown.lower()).strip("-")


def home(client: MatrixClient) -> Path:
    """A home folder that is the client's alone, for two run at a time."""
    folder = cache() / "homes" / slug(client)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def command(client: MatrixClient) -> list[str]:
    """What runs the client's script; its packages are installed first, if they aren't.

    Raises subprocess.CalledProcessError, with what the installer said, where they can't be.
    """
    folder = cache() / client.folder
    with _locked(folder):
        mark = folder / "installed"
        wanted = " ".join([sys.version.split()[0], *client.packages])
        if not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            (_install_node if client.is_node else _install_python)(client, folder)
            mark.write_text(wanted, encoding="utf-8")
        if client.is_node:
            for script in SCRIPTS.glob("*.mjs"):  # they look for packages beside themselves
                _copy(script, folder / script.name)
            return ["node", str(folder / client.script)]
    return [str(folder / "bin" / "python"), str(SCRIPTS / client.script)]


def surroundings(**more: str) -> dict[str, str]:
    """All that a client's process gets to see: whatever it asks beyond this machine fails."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "AGNO_TELEMETRY": "false",
        "OPENAI_API_KEY": "unused",
        **more,
    }


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time, for clients share environments, and checkouts the cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(script: Path, target: Path) -> None:
    """Copy in one step, where it differs: a client beside this one may be reading it."""
    if not target.exists() or target.read_bytes() != script.read_bytes():
        target.with_suffix(".new").write_bytes(script.read_bytes())
        target.with_suffix(".new").replace(target)


def _install_python(client: MatrixClient, folder: Path) -> None:
    uv = shutil.which("uv")
    if uv:
        _install(uv, "venv", "-q", "-p", sys.executable, str(folder))
        pip = [uv, "pip", "install", "-q", "-p", str(folder / "bin" / "python")]
    else:
        _install(sys.executable, "-m", "venv", str(folder))
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    _install(*pip, *client.packages)


def _install_node(client: MatrixClient, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm = ["npm", "install", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"]
    _install(*npm, *client.packages, cwd=folder)


def _install(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(
        command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
