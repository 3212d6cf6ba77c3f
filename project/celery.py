"""The Celery application: batches run here, and the timers that keep them alive."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("nodewise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
