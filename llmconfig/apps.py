"""llmconfig: which model answers each call, and calling it."""

from django.apps import AppConfig


class LLMConfigConfig(AppConfig):
    """The lowest layer: imports neither metrics nor enrichment."""

    name = "llmconfig"
    verbose_name = "LLM configuration"

    def ready(self) -> None:
        """Register the system checks."""
        from llmconfig import checks  # noqa: F401, PLC0415 - registers on import, needs the registry
