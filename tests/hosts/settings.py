"""A project that is not ours: its own users, its own defaults everywhere, no setting of Nodewise.

HOST_THEME=unfold adds the theme that the shipped project wears. With HOST_CORE_ONLY there is no
package that only an extra of ours brings. With HOST_MUSEUM it has a table to enrich. HOST_ADMIN
names the app that brings the admin, if not Django's own.
"""

import gc
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

if os.environ.get("HOST_CORE_ONLY"):
    from tests.hosts import core_only

    core_only.install()

# Each of some thirty processes would look through all that it imports, again and again.
gc.set_threshold(20_000, 20, 20)
BASE_DIR = Path(__file__).parent
SECRET_KEY = "not-a-secret"
DEBUG = os.environ.get("HOST_DEBUG", "1") == "1"
if os.environ.get("HOST_FIELD_KEY"):
    LLM_FIELD_KEYS = os.environ["HOST_FIELD_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.hosts.urls"
THEME = os.environ.get("HOST_THEME", "")
INSTALLED_APPS = [
    *(["unfold", "unfold.contrib.filters"] if THEME == "unfold" else []),
    os.environ.get("HOST_ADMIN", "django.contrib.admin"),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "tests.hosts.people",
    "llmconfig",
    "metrics",
    "enrichment",
    *(["tests.museum"] if os.environ.get("HOST_MUSEUM") else []),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
_server = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _server.path.strip("/"),
        "USER": _server.username,
        "PASSWORD": _server.password,
        "HOST": _server.hostname,
        "PORT": _server.port,
        "ATOMIC_REQUESTS": True,
    }
}
if os.environ.get("HOST_OTHER_DATABASE"):
    _other = urlsplit(os.environ["HOST_OTHER_DATABASE"])
    DATABASES["other"] = (
        {"ENGINE": "django.db.backends.sqlite3", "NAME": _other.path}
        if _other.scheme == "sqlite"
        else {**DATABASES["default"], "NAME": _other.path.strip("/")}
    )
AUTH_USER_MODEL = "people.Person"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TIME_ZONE = "America/Caracas"
LANGUAGE_CODE = "de"
USE_TZ = True
SITE_ID = 1
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "assets/"
LOGGING = {"version": 1, "disable_existing_loggers": True}
# DRF's own defaults, which let everybody in; and habits that ours must not take on.
REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 3,
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["2.0"],
    "DEFAULT_VERSION": "2.0",
    "UNAUTHENTICATED_USER": None,
}
globals().update(json.loads(os.environ.get("HOST_SETTINGS", "{}")))
