"""The environment variables by which a command finds its servers."""

VARIABLES = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "LLM_LOCAL_URL",
        "LLM_LOCAL_API_KEY",
        "LLM_LOCAL_MODEL",
        "LLM_LOCAL_MODEL_LABEL",
    }
)
