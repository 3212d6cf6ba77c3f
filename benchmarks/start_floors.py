"""What the packages that ours stands on take of a start by themselves: nothing of ours is loaded.

`check` imports all modules of others that `manage.py check` of the checkout loads, in their order,
after Django is set up with the apps of others; `worker` starts Celery's with those apps, no task.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

LOADED = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
import django; django.setup()
from django.conf import settings
from django.core.checks import run_checks
run_checks()
ours = {"enrichment", "llmconfig", "metrics", "nodewise", "project", "__main__"}
def is_of_others(name):
    return name.partition(".")[0] not in ours
apps = [app.removesuffix(".BasicAppConfig") for app in settings.INSTALLED_APPS if is_of_others(app)]
print(json.dumps([apps, [name for name in sys.modules if is_of_others(name)]]))
"""
FLOOR = """
import atexit, gc, importlib, json, os
gc.disable()
atexit.register(gc.freeze)
from django.conf import settings
apps, names = json.loads({found!r})
if "django.contrib.admin" not in apps:
    apps.append("django.contrib.admin.apps.SimpleAdminConfig")
settings.configure(
    INSTALLED_APPS=apps, SECRET_KEY="-" * 50, USE_TZ=True, AXES_ENABLE_ADMIN=False,
    DATABASES={{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "none"}}}},
    REST_FRAMEWORK={{"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}},
)
import django; django.setup()
"""
IMPORTS = """
for name in names:
    try:
        importlib.import_module(name)
    except Exception:  # such as Django's own compatibility modules, which refuse
        pass
"""
APPLICATION = """
from celery import Celery
app = Celery("floor", broker=os.environ["REDIS_URL"])
from celery.signals import celeryd_after_setup
@celeryd_after_setup.connect(weak=False)
def freeze(**_):
    gc.freeze()
"""


def check() -> float:
    """CPU seconds of a process that imports what `manage.py check` loads of others."""
    process = subprocess.Popen([sys.executable, "-c", _setup() + IMPORTS])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit("the floor of `manage.py check` failed")
    return used.ru_utime + used.ru_stime


def worker(start: Callable[[str], float]) -> float:
    """CPU seconds of Celery's worker with the apps of others; `start` starts one by its `--app`."""
    with TemporaryDirectory() as folder:
        Path(folder, "floor.py").write_text(_setup() + APPLICATION, encoding="utf-8")
        os.environ["PYTHONPATH"] = folder
        try:
            return start("floor")
        finally:
            del os.environ["PYTHONPATH"]


def _setup() -> str:
    found = subprocess.check_output([sys.executable, "-c", LOADED], text=True).splitlines()[-1]
    json.loads(found)
    return FLOOR.format(found=found)
