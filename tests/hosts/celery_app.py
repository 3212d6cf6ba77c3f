"""The host's own Celery application, as Celery's documents make one."""

from celery import Celery

app = Celery("host")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
