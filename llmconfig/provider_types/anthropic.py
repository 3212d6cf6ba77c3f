"""Anthropic's own API."""

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="anthropic",
    label="Anthropic",
    wire="anthropic",
    base_url="https://api.anthropic.com",
    key_variable="ANTHROPIC_API_KEY",
    default_api_version="2026-10-21",
    chat_path="/v1/messages",
    embeddings_path="",
    models_path="/v1/models?limit=100",
    after_parameter="after_id",
    price_list="anthropic",
    batches="anthropic",
    source="https://docs.anthropic.com/en/api",
)
