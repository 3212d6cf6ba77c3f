"""The Celery application: batches run here, and the timers that keep them alive."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_after_setup, worker_init
from django.conf import settings

from nodewise import memory

memory.start_undisturbed()
memory.end_at_once()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
# Celery would run the system checks, which load every page and address, and drop what they find;
# `prepare` and `manage.py check` tell it.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("nodewise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def preload(**_: Any) -> None:
    """In the parent, before it forks: its children share what was imported."""
    from llmconfig.client import preload as preload_packages  # noqa: PLC0415 - needs Django set up
    from nodewise import timers  # noqa: F401, PLC0415 - connects its signal

    preload_packages(*settings.LLM_PRELOAD)


@celeryd_after_setup.connect
@beat_init.connect
def settle(**_: Any) -> None:
    """Before it forks: Celery looks for garbage before it makes each child."""
    memory.settle()
