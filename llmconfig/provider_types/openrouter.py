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
    last_resort="openai/",
    source="https://openrouter.ai/docs/api-reference",
)
