"""The ASGI entry point for uvicorn: `/v1` before Django's middleware, everything else to Django."""

import os

from django.core.asgi import get_asgi_application

from nodewise import memory

memory.start_undisturbed()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

django = get_asgi_application()

from django.conf import settings  # noqa: E402 - needs Django set up

from nodewise.asgi import wrap  # noqa: E402
from project import bodies  # noqa: E402

pages = bodies.bounded(django, max_bytes=settings.MAX_BODY_BYTES)
application = wrap(pages, answers_root=True)
