"""What an installation weighs, and what importing it costs: `python -m benchmarks.footprint`.

Sizes are those of the packages in this environment, as pip installed them, of the core and of what
each extra adds. Times are processor time of `django.setup()` in a bare project of Django, its admin
and DRF, without our apps and with them; the median of seven processes each.
"""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from statistics import median

from tests.hosts.core_only import brought_along

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 7
MEGABYTE = 1_000_000
SETUP = """
import time, sys
from cryptography.fernet import Fernet
from django.conf import settings
settings.configure(
    SECRET_KEY="x" * 50, USE_TZ=True, LLM_FIELD_KEYS=Fernet.generate_key().decode(),
    DATABASES={{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "none"}}}},
    INSTALLED_APPS=[*{admin}, "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages", "rest_framework",
                    "rest_framework.authtoken", *{ours}],
)
import django
began = time.process_time()
django.setup()
{then}
print(time.process_time() - began, len(sys.modules))
"""
ADMIN, APPS = ["django.contrib.admin"], ["llmconfig", "metrics", "enrichment"]
CALL = "from llmconfig.client import generate"
IMPORTS = {  # apps and what is imported then
    "Django and DRF": ([], [], ""),
    "and `llmconfig`": ([], APPS[:1], ""),
    "and `llmconfig.client.generate`": ([], APPS[:1], CALL),
    "Django, its admin and DRF": (ADMIN, [], ""),
    "and our three apps": (ADMIN, APPS, ""),
}


def size(packages: set[str]) -> int:
    """Bytes of all files of these packages, compiled ones included."""
    files = (
        Path(str(each.locate()))
        for name in packages
        for each in metadata.distribution(name).files or ()
    )
    return sum(path.stat().st_size for path in files if path.is_file())


def main() -> None:
    """Print both tables, as docs/dependencies.md has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = brought_along(project["dependencies"])
    print(f"core: {size(core) / MEGABYTE:.0f} MB, {len(core)} packages")
    for extra, asked in project["optional-dependencies"].items():
        more = brought_along([*project["dependencies"], *asked]) - core
        print(f"[{extra}]: {size(more) / MEGABYTE:.1f} MB, {len(more)} packages")
    for name, (admin, ours, then) in IMPORTS.items():
        code = SETUP.format(admin=admin, ours=ours, then=then)
        runs = [
            re.split(r"\s", subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
            ).stdout)
            for _ in range(PROCESSES)
        ]  # fmt: skip
        seconds = median(float(run[0]) for run in runs)
        print(f"{name}: {seconds * 1000:.0f} ms, {runs[0][1]} modules")


if __name__ == "__main__":
    main()
