"""The settings of listings that no enrichment brings."""

from django.utils.translation import gettext_lazy as _

from llmconfig.configuration.process_settings import ProcessSetting

PUBLIC_SECONDS = ProcessSetting(
    "LLM_LISTINGS_PUBLIC_SECONDS",
    0,
    _("Seconds that anybody may read and keep listings of the API; 0 leaves them to viewers."),
)
