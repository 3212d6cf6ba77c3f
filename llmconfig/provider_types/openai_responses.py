"""OpenAI's Responses, of OpenAI itself or of any server that speaks them."""

import re

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="openai_responses",
    label="OpenAI (Responses)",
    wire="responses",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    not_text=re.compile(
        r"whisper|tts|transcri|realtime|audio|image|sora|moderation", re.IGNORECASE
    ),
    price_list="openai",
    batches="openai",
    output_limit="max_output_tokens",
    refuses_unknown_fields=True,
    source="https://platform.openai.com/docs/api-reference/responses",
)
