"""The Celery application: batches run here, and the timers that keep them alive."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("nodewise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def preload(**_: Any) -> None:
    """In the parent, before it forks: its children share what was imported."""
    from django.conf import settings  # noqa: PLC0415 - the settings import this module

    from llmconfig.client import preload as preload_packages  # noqa: PLC0415

    preload_packages(*settings.LLM_PRELOAD)
