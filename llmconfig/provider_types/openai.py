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
# Image, speech and moderation models are listed beside those that answer with text.
NOT_TEXT = re.compile(
    r"whisper|tts|transcribe|realtime|audio|dall-e|image|sora|moderation", re.IGNORECASE
)
# Offered by Responses alone: https://platform.openai.com/docs/models
RESPONSES_ONLY = re.compile(
    r"(?:o[1-9]\d*-pro|o\d+(?:-mini)?-deep-research|gpt-5(?:\.\d+)?-pro|gpt-5(?:\.\d+)?-codex[\w.-]*"
    r"|codex-mini[\w.-]*|computer-use-preview)(?:-\d{4}-\d\d-\d\d)?"
)

TYPE = ProviderType(
    name="openai",
    label="OpenAI",
    wire="openai",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    not_text=NOT_TEXT,
    price_list="openai",
    batches="openai",
    output_limit="max_completion_tokens",
    refuses_unknown_fields=True,
    takes_all_tools=True,  # https://platform.openai.com/docs/guides/function-calling
    takes_cache_key=True,  # https://platform.openai.com/docs/guides/prompt-caching
    last_resort="",
    quirks=QUIRKS,
    responses_only=RESPONSES_ONLY,
    source="https://platform.openai.com/docs/api-reference",
)
