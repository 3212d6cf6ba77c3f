"""OpenAI's own API."""

import re

from llmconfig.provider_types.contract import ProviderType, Quirk

SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
QUIRKS = (
    Quirk(
        models=re.compile(r"gpt-5(?:-mini|-nano|-pro|-codex)?(?:-\d{4}-\d\d-\d\d)?"),
        refuses=SAMPLING,
        source="https://platform.openai.com/docs/guides/latest-model",
    ),
    Quirk(
        models=re.compile(r"o[134](?:-mini|-pro)?(?:-\d{4}-\d\d-\d\d)?"),
        refuses=SAMPLING | {"presence_penalty", "frequency_penalty", "logit_bias"},
        source="https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning",
    ),
)

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
    quirks=QUIRKS,
    source="https://platform.openai.com/docs/api-reference",
)
