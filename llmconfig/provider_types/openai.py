"""OpenAI's own API."""

import re

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="openai",
    label="OpenAI",
    wire="openai",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    # Image, speech and moderation models are listed beside those that answer with text.
    not_text=re.compile(
        r"whisper|tts|transcribe|realtime|audio|dall-e|image|sora|moderation", re.IGNORECASE
    ),
    price_list="openai",
    batches="openai",
    output_limit="max_completion_tokens",
    refuses_unknown_fields=True,
    last_resort="",
    source="https://platform.openai.com/docs/api-reference",
)
