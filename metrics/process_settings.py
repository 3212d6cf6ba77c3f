"""What is recorded, and how long it is kept."""

from llmconfig.configuration.process_settings import ProcessSetting

DEFINITIONS = (
    ProcessSetting(
        "LLM_FEATURE_PATTERN_WORDING",
        True,
        "Lets the analytics model word what patterns propose for prompts.",
    ),
    ProcessSetting("LLM_FEATURE_METRICS", True, "Records each call in the metrics tables."),
    ProcessSetting("LLM_FEATURE_HISTORY", True, "Keeps the texts of recorded calls."),
    ProcessSetting(
        "LLM_METRICS_KEEP_MONTHS", 0, "Whole months before this one whose calls stay; 0 is all."
    ),
    ProcessSetting(
        "LLM_CALLS_QUERY_MS",
        300,
        "Longest time of one query for the list of calls, in milliseconds; then it says how to"
        " narrow what is asked for.",
        least=1,
    ),
    ProcessSetting(
        "LLM_ALERT_TIMEOUT_SECONDS",
        10.0,
        "Longest time for one attempt to deliver an alert, in seconds; 60 at most.",
        least=0.1,
    ),
    ProcessSetting(
        "LLM_HISTORY_KEEP_MONTHS", 6, "Whole months before this one whose texts stay; 0 is all."
    ),
)
