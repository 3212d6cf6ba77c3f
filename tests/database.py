"""The test's own database, for other processes and for connections of one's own."""

from django.conf import settings
from django.db import connection


def database_url() -> str:
    """Its address."""
    found = settings.DATABASES["default"]
    name = connection.settings_dict["NAME"]
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{name}"
