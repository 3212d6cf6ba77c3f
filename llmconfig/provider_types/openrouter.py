"""OpenRouter: many vendors' models behind one key."""

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="openrouter",
    label="OpenRouter",
    wire="openai",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    price_list="openrouter",
    ids_keep_name=True,
    takes_cache_marks=True,  # https://openrouter.ai/docs/features/prompt-caching
    last_resort="openai/",
    source="https://openrouter.ai/docs/api-reference",
)
