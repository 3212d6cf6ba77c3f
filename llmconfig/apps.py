"""llmconfig: which model answers each call, and calling it."""

import sys
from typing import Any

from django.apps import AppConfig, apps
from django.db import router
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

# Commands that say or make what is missing.
WITHOUT_KEY = frozenset({"check", "generate_field_key"})


class LLMConfigConfig(AppConfig):
    """The lowest layer: imports neither metrics nor enrichment."""

    name = "llmconfig"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("LLM configuration")

    def ready(self) -> None:
        """Refuse to start without good field keys: no provider's key could be read.

        Raises ImproperlyConfigured in every process, those that run no system checks included;
        only what helps to set a key goes on.
        """
        from llmconfig import (  # noqa: PLC0415 - after the settings
            checks,  # noqa: F401 - registers on import
            roles,
            secrets,
        )
        from llmconfig.client.sdk import asgi_scope  # noqa: PLC0415
        from llmconfig.configuration import process_settings  # noqa: PLC0415

        process_settings.register_own()
        for app in apps.get_app_configs():
            if app.label in roles.APPS:
                post_migrate.connect(make_roles, sender=app)
        if not WITHOUT_KEY & set(sys.argv[1:2]):
            secrets.keyring()
        asgi_scope.register_endpoint(_endpoint)


def _endpoint() -> Any:
    from llmconfig.gateway.application import application  # noqa: PLC0415 - with the whole client

    return application


def make_roles(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Runs after `migrate` of each of our apps: its permissions exist, the groups have them."""
    from django.contrib.auth.management import create_permissions  # noqa: PLC0415

    from llmconfig.roles import ensure_roles  # noqa: PLC0415 - needs the app registry

    if not router.allow_migrate(using, "auth"):
        return
    create_permissions(sender, using=using, verbosity=0)
    ensure_roles(using=using)
