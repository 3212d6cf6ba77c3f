"""llmconfig: which model answers each call, and calling it."""

from django.apps import AppConfig


class LLMConfigConfig(AppConfig):
    """The lowest layer: imports neither metrics nor enrichment."""

    name = "llmconfig"
    verbose_name = "LLM configuration"

    def ready(self) -> None:
        """Refuse to start without good field keys: no provider's key could be read.

        Raises ImproperlyConfigured in every process, those that run no system checks included.
        """
        from llmconfig import secrets  # noqa: PLC0415 - after the settings
        from llmconfig.configuration import process_settings  # noqa: PLC0415
        from llmconfig.gateway import application  # noqa: PLC0415 - needs the registry

        process_settings.register_own()
        secrets.keyring()
        application.register()
