"""Other people's products, each in an environment of its own, for measurements only."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".nodewise" / "bench"
INSTALL_SECONDS = 600
# Python runs the lines of .pth files at its start, which is how LiteLLM 1.82.8 stole credentials.
HARMLESS_PTH = {"distutils-precedence.pth"}
# This one only makes `google` a package of several parts.
NAMESPACE_PTH = "google_cloud_aiplatform-1.71.1-py3.9-nspkg.pth"


@dataclass(frozen=True, slots=True)
class Peer:
    """A package at one version; it is installed as wheels only and sees no variable of ours."""

    name: str
    requirement: str
    harmless_pth: frozenset[str] = frozenset()

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.folder / "bin" / name)

    def environment(self, **more: str) -> dict[str, str]:
        """All that its processes get to see."""
        # Prices come from LiteLLM's own wheel: nothing is fetched. Both are built on it.
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            **more,
        }

    def vendored_tokens(self) -> str:
        """Where LiteLLM's wheel has the tables of tokens that tiktoken would fetch, or ""."""
        packages = "lib/*/site-packages"
        found = sorted(self.folder.glob(f"{packages}/litellm/litellm_core_utils/tokenizers"))
        return str(found[0]) if found else ""

    def install(self) -> None:
        """Unless it is there; ends the process when it brings something that runs by itself.

        Raises subprocess.SubprocessError where it can't be installed, or not in time.
        """
        done = self.folder / "installed"
        if done.exists() and done.read_text(encoding="utf-8") == self.requirement:
            return
        print(f"Installing {self.requirement} into {self.folder} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.folder)], check=True)
        pip = [self.program("python"), "-m", "pip", "install", "-qq", "--only-binary=:all:"]
        subprocess.run([*pip, self.requirement], check=True, timeout=INSTALL_SECONDS)
        strange = {each.name for each in self.folder.rglob("*.pth")}
        strange -= HARMLESS_PTH | self.harmless_pth
        if strange:
            sys.exit(f"{self.requirement} brought {', '.join(sorted(strange))}: it is not started.")
        done.write_text(self.requirement, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class NodePackage:
    """The same for a package of npm; no script of a package is run."""

    name: str
    requirement: str

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def environment(self) -> dict[str, str]:
        """All that its processes get to see."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "NODE_ENV": "production"}

    def install(self) -> None:
        """Unless it is there. Raises SubprocessError, and FileNotFoundError without npm."""
        done = self.folder / "installed"
        if done.exists() and done.read_text(encoding="utf-8") == self.requirement:
            return
        print(f"Installing {self.requirement} into {self.folder} …", flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        command = [*npm, "--prefix", str(self.folder), self.requirement]
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
        done.write_text(self.requirement, encoding="utf-8")


# 1.82.7, 1.82.8 and 1.107 stole credentials and were taken back; this one stands since spring.
LITELLM = Peer("litellm", "litellm[proxy]==1.83.14")
CURATOR = Peer("curator", "bespokelabs-curator==0.1.31", frozenset({NAMESPACE_PTH}))
TENSORZERO = Peer("tensorzero", "tensorzero==2026.6.0")
PORTKEY = NodePackage("portkey", "@portkey-ai/gateway@1.15.2")
PY_SPY = Peer("py-spy", "py-spy==0.4.1")
