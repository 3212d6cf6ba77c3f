"""Providers' prompt caches: from how many tokens on they keep what prompts begin with alike.

Sources: Anthropic, https://platform.claude.com/docs/en/build-with-claude/prompt-caching (what is
shorter is not cached, and marking it does nothing); OpenAI,
https://developers.openai.com/api/docs/guides/prompt-caching (automatic; the key only brings calls
of one prefix to the same machines).
"""

import re

from llmconfig.client.types import SharedPrefix

MARK = "cache_control"
BREAKPOINT = "prompt_cache_breakpoint"  # OpenAI's, on parts
EPHEMERAL = {"type": "ephemeral"}  # for five minutes from its last use
# Of Anthropic's models, the first that fits counts; ids of other providers have dots for dashes.
MIN_TOKENS = (
    (re.compile(r"opus-4-[56]|haiku-4-5"), 4096),
    (re.compile(r"sonnet-4-6|3-5-haiku|haiku-3|3-haiku"), 2048),
    (re.compile(r"opus-4|sonnet-4|3-7-sonnet|3-5-sonnet|3-opus"), 1024),
)
UNKNOWN_MODEL_MIN_TOKENS = 4096
AUTOMATIC_MIN_TOKENS = 1024


def mark_pays(prefix: SharedPrefix | None, model_id: str) -> bool:
    """Whether Anthropic's model caches so long a system prompt, if it is marked."""
    if prefix is None:
        return False
    name = model_id.replace(".", "-")
    found = (least for models, least in MIN_TOKENS if models.search(name))
    return prefix.system_tokens >= next(found, UNKNOWN_MODEL_MIN_TOKENS)


def key_pays(prefix: SharedPrefix | None) -> bool:
    """Whether OpenAI caches so long a beginning; the schema stands before the system prompt."""
    return (
        prefix is not None and prefix.system_tokens + prefix.schema_tokens >= AUTOMATIC_MIN_TOKENS
    )
