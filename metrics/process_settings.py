"""What is recorded, and how long it is kept."""

from django.utils.translation import gettext_lazy as _

from llmconfig.configuration.process_settings import ProcessSetting

MAX_MONTHS = 1200  # a century

DEFINITIONS = (
    ProcessSetting(
        "LLM_FEATURE_PATTERN_WORDING",
        True,
        _("Lets the analytics model word what patterns propose for prompts."),
    ),
    ProcessSetting("LLM_FEATURE_METRICS", True, _("Records each call in the metrics tables.")),
    ProcessSetting("LLM_FEATURE_HISTORY", True, _("Keeps the texts of recorded calls.")),
    ProcessSetting(
        "LLM_METRICS_KEEP_MONTHS",
        0,
        _("Whole months before this one whose calls stay; 0 is all."),
        greatest=MAX_MONTHS,
    ),
    ProcessSetting(
        "LLM_CALLS_QUERY_MS",
        300,
        _(
            "Longest time of one query for the list of calls, in milliseconds; then it says how to"
            " narrow what is asked for."
        ),
        least=1,
    ),
    ProcessSetting(
        "LLM_ALERT_TIMEOUT_SECONDS",
        10.0,
        _("Longest time for one attempt to deliver an alert, in seconds; 60 at most."),
        least=0.1,
    ),
    ProcessSetting(
        "LLM_HISTORY_KEEP_MONTHS",
        6,
        _("Whole months before this one whose texts stay; 0 is all."),
        greatest=MAX_MONTHS,
    ),
)
