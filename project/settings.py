"""Django's own settings of the shipped site, all from the environment."""

import warnings
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from llmconfig import __version__
from llmconfig.secrets import Secret
from nodewise.schedule import QUEUES, ROUTES, SCHEDULE
from project.environment import (
    boolean,
    env,
    known_words,
    mail_server,
    text_or_file,
    whole_number,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = env.str("ENVIRONMENT", "production")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured(f"ENVIRONMENT: {ENVIRONMENT!r}; use development or production.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = boolean("DJANGO_DEBUG", default=False)

SECRET_KEY = text_or_file("DJANGO_SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "DJANGO_SECRET_KEY is not set. `make demo` makes its own; elsewhere set it, or"
        " DJANGO_SECRET_KEY_FILE, to 50 random characters."
    )
# Fernet keys for provider keys in the database, newest first; a system check reads them.
LLM_FIELD_KEYS = [
    key.strip()
    for key in text_or_file("LLM_FIELD_KEYS").replace("\n", ",").split(",")
    if key.strip()
]
# Key material of rows written by django-fernet-fields, newest first, to keep them readable.
LLM_LEGACY_FERNET_KEYS = [
    key.strip() for key in text_or_file("LLM_LEGACY_FERNET_KEYS").split(",") if key.strip()
]

ALLOWED_HOSTS = words("DJANGO_ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = words("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the theme without its own site: the next but one brings ours
    "unfold.contrib.filters",
    "project.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "llmconfig",
    "metrics",
    "enrichment",
    "enrichment.listings",
    "project.embedded",
    "project.apps.ProjectConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "project.security_headers.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "nodewise.liveness.AnswersFirst",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.compression.CompressPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it says why a login is refused
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

if not env.str("DATABASE_URL", ""):
    raise ImproperlyConfigured(
        "DATABASE_URL is not set. Give postgres://user:password@host:5432/name, or run the command"
        " under `python -m project.embedded -- …`, which brings its own PostgreSQL."
    )
DATABASES = {"default": env.db("DATABASE_URL")}
if not DATABASES["default"].get("ENGINE", "").endswith("postgresql"):
    raise ImproperlyConfigured(
        "DATABASE_URL: only PostgreSQL is supported: postgres://user:password@host:5432/name."
    )
DATABASES["default"].update(
    CONN_MAX_AGE=whole_number("DATABASE_CONN_MAX_AGE", default=60, least=0),
    CONN_HEALTH_CHECKS=True,
)
# A server that takes connections and says nothing holds up nobody for longer, in seconds.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# Past a pooler in transaction mode, for what lives as long as a session (docs/scaling.md).
LLM_SESSION_DATABASE = "sessions" if env.str("DATABASE_SESSION_URL", "") else ""
if LLM_SESSION_DATABASE:
    DATABASES["sessions"] = DATABASES["default"] | env.db("DATABASE_SESSION_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "")
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured(
        "REDIS_URL is not set or no redis:// address. Give redis://:password@host:6379/0, or run"
        " the command under `python -m project.embedded -- …`, which brings its own server."
    )

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "project" / "locale"]
FORMAT_MODULE_PATH = ["project.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.str("DJANGO_STATIC_ROOT", str(BASE_DIR / "staticfiles"))
if not PRODUCTION:  # nothing is collected there, and each start would say so
    warnings.filterwarnings("ignore", message="No directory at: ")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

if PRODUCTION:
    SECURE_SSL_REDIRECT = boolean("DJANGO_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = whole_number("DJANGO_HSTS_SECONDS", default=31_536_000, least=0)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = boolean("DJANGO_HSTS_SUBDOMAINS", default=True)
    SECURE_HSTS_PRELOAD = boolean("DJANGO_HSTS_PRELOAD", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Bytes of a request's body outside /v1, refused before they are read; without credentials 1 MB.
MAX_BODY_BYTES = whole_number("DJANGO_MAX_BODY_MB", default=64, least=1) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
# Wrong passwords: after so many the account, and the address they came from, wait.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = whole_number("DJANGO_LOGIN_FAILURES", default=10, least=1)
AXES_COOLOFF_TIME = timedelta(
    minutes=whole_number("DJANGO_LOGIN_COOLOFF_MINUTES", default=15, least=1)
)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["llmconfig.api.kit.permissions.RolePermission"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Nodewise",
    "DESCRIPTION": "Which model answers each call, what it cost and how good it was.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "BatchStatusEnum": "enrichment.models.batches.BatchStatus",
        "RunStatusEnum": "enrichment.models.evaluations.RunStatus",
        "ExperimentStatusEnum": "llmconfig.models.experiments.ExperimentStatus",
    },
}

# Imported by who hands workers something; Celery itself finds it by `--app=project`.
LLM_CELERY_APP = "project.celery.app"
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CONSUMER = "nodewise.broker_messages:CarefulConsumer"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "nodewise.timers:SteadyScheduler"
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_TASK_QUEUES = QUEUES
CELERY_TASK_ROUTES = ROUTES

# This site's groups are the roles; other projects keep theirs apart as `nodewise viewer` and so on.
LLM_ROLE_GROUPS = {role: role for role in ("viewer", "operator", "administrator", "reader")}
# Where the weekly report goes; without a server it is only stored.
REPORT_EMAIL_TO = words("REPORT_EMAIL_TO")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "nodewise@localhost")
_mail_server = mail_server(text_or_file("EMAIL_URL"))
if REPORT_EMAIL_TO and not _mail_server:
    raise ImproperlyConfigured("REPORT_EMAIL_TO needs EMAIL_URL: smtp+tls://user:password@host:587")
vars().update(_mail_server)

# Whose defaults hold: those of the environment that was named, else the plain ones.
LLM_DEFAULTS = env.str("LLM_DEFAULTS", env.str("ENVIRONMENT", ""))
LLM_SYNC_POLICY = env.str("LLM_SYNC_POLICY", "")
LLM_SYNC_AT_START = boolean("LLM_SYNC_AT_START", default=False)
# The LLM_* variables that are set: each app reads its own into this when it is ready.
LLM_ENVIRONMENT: dict[str, object] = {}
# Where lanes keep answers that are paid for until they are written; blank: the temporary folder.
LLM_SPOOL_DIR = env.str("LLM_SPOOL_DIR", "")
# What the first steps offer to import.
LISTINGS_SAMPLE_FILE = str(BASE_DIR / "fixtures" / "dogs.csv.gz")
LLM_NODES_FILE = env.str("LLM_NODES_FILE", str(BASE_DIR / "fixtures" / "llm_nodes.yaml"))
# Address of the server behind the `local` provider when it is seeded.
# Where call records wait while the database is away.
LLM_JOURNAL_DIR = env.str("LLM_JOURNAL_DIR", str(BASE_DIR / ".nodewise" / "journal"))
LLM_LOCAL_URL = env.str("LLM_LOCAL_URL", "http://localhost:11434/v1")
# Networks that providers of the hosted types may live in although they are not public.
LLM_EGRESS_ALLOW = words("LLM_EGRESS_ALLOW")
# Sites whose pages may call /v1 from a browser.
LLM_CORS_ORIGINS = words("LLM_CORS_ORIGINS")
# What secret references may read, beside the provider types' own variables (`*` stands in a name).
LLM_SECRET_REFERENCES = words(
    "LLM_SECRET_REFERENCES", "env:LLM_*_API_KEY,file:/run/secrets/*,aws-sm:*"
)
# Packages whose objects llmconfig.client hands out; servers and workers import them at the start.
LLM_PRELOAD = known_words("LLM_PRELOAD", ("openai", "anthropic", "langchain"))
# Where traces of nodes with tracing go (OTLP over HTTP), with which headers, and whether texts do.
LLM_TRACING_ENDPOINT = env.str("LLM_TRACING_ENDPOINT", "")
LLM_TRACING_HEADERS = Secret(text_or_file("LLM_TRACING_HEADERS"))
LLM_TRACING_CONTENTS = boolean("LLM_TRACING_CONTENTS", default=False)
# The function that judges whether an answer is ONEX-compliant, as module.function.
LLM_ONEX_CHECK = env.str("LLM_ONEX_CHECK", "")
# Whose tables the admin may declare enrichments of.
LLM_ENRICHABLE = words("LLM_ENRICHABLE")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # One line a request tells nothing that the call records don't.
    "loggers": {"httpx2": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
}

UNFOLD = {
    "SITE_TITLE": "Nodewise",
    "SITE_HEADER": "Nodewise",
    "SITE_SUBHEADER": _("Models, batches, costs"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("llmconfig/icon.svg"),
        }
    ],
    "SCRIPTS": [lambda _request: static("llmconfig/accessible.js")],
    "STYLES": [lambda _request: static("llmconfig/admin.css")],
    "DASHBOARD_CALLBACK": "llmconfig.admin.kit.dashboard.dashboard",
    "SIDEBAR": {
        "navigation": "llmconfig.admin.kit.navigation.sidebar",
        "show_search": True,
        "command_search": True,
    },
    # Ctrl+K: pages by title, and rows of the tables that stay small.
    "COMMAND": {
        "search_callback": "llmconfig.admin.kit.navigation.search",
        "search_models": [
            "llmconfig.nodeconfiguration",
            "llmconfig.provider",
            "llmconfig.providermodel",
            "llmconfig.budget",
            "llmconfig.experiment",
            "enrichment.prompt",
            "listings.organization",
        ],
    },
}
