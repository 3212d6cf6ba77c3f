"""An environment of its own for each client, under .nodewise/clients: made once a version."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.listing import MatrixClient

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("CLIENTS_FOLDER", ROOT / ".nodewise" / "clients"))
SCRIPTS = Path(__file__).parent / "scripts"


def command(client: MatrixClient) -> list[str]:
    """What runs the client's script; its packages are installed first, if they aren't.

    Raises subprocess.CalledProcessError where they can't be.
    """
    folder = FOLDER / client.folder
    mark = folder / "installed"
    if not (mark.exists() and mark.read_text(encoding="utf-8") == " ".join(client.packages)):
        (_install_node if client.is_node else _install_python)(client, folder)
        mark.write_text(" ".join(client.packages), encoding="utf-8")
    if client.is_node:
        for script in SCRIPTS.glob("*.mjs"):  # they look for packages beside themselves
            shutil.copy(script, folder / script.name)
        return ["node", str(folder / client.script)]
    return [str(folder / "bin" / "python"), str(SCRIPTS / client.script)]


def surroundings(**more: str) -> dict[str, str]:
    """All that a client's process gets to see: whatever it asks beyond this machine fails."""
    nowhere = "http://127.0.0.1:9"
    home = FOLDER / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
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


def _install_python(client: MatrixClient, folder: Path) -> None:
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, str(folder)], check=True)
        pip = [uv, "pip", "install", "-q", "-p", str(folder / "bin" / "python")]
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, *client.packages], check=True)


def _install_node(client: MatrixClient, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run([*npm, *client.packages], cwd=folder, check=True)
