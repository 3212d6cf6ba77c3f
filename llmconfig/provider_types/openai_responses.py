"""OpenAI's Responses, of OpenAI itself or of any server that speaks them."""

from llmconfig.provider_types.contract import ProviderType
from llmconfig.provider_types.openai import NOT_TEXT, QUIRKS

TYPE = ProviderType(
    name="openai_responses",
    label="OpenAI (Responses)",
    wire="responses",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    not_text=NOT_TEXT,
    price_list="openai",
    batches="openai",
    output_limit="max_output_tokens",
    refuses_unknown_fields=True,
    quirks=QUIRKS,
    source="https://platform.openai.com/docs/api-reference/responses",
)
