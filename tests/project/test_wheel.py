"""The wheel: it carries the apps whole, and nothing of this repository's own site."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("nodewise", "llmconfig", "metrics", "enrichment")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.pyc")


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


@pytest.mark.timeout(300)
def test_the_wheel_holds_every_file_of_the_apps_and_nothing_else(tmp_path):
    with zipfile.ZipFile(built_wheel(tmp_path)) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted
    assert {f"{app}/py.typed" for app in APPS} <= held
    assert "llmconfig/templates/nodewise/playground.html" in held
