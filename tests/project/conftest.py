"""The wheel, built once for the tests of one worker that need it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("nodewise", "llmconfig", "metrics", "enrichment")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its path; tests that ask for it are in the group `wheel`, so that one worker has them."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


def built_wheel(folder: Path) -> Path:
    """Build from a copy: setuptools puts what it finds in an old build/ into the wheel, too."""
    source = folder / "source"
    source.mkdir()
    for name in APPS:
        shutil.copytree(ROOT / name, source / name, ignore=LEFT_BEHIND)
    # What must stay out lies beside them, as it does in a clone.
    shutil.copytree(ROOT / "templates", source / "templates")
    (source / "project").mkdir()
    shutil.copy(ROOT / "project" / "__init__.py", source / "project")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps",
         "-w", folder, source],
        check=True, timeout=300,
    )  # fmt: skip
    (wheel,) = folder.glob("nodewise-*.whl")
    return wheel
