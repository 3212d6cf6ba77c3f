"""Providers' prompt caches: from how many tokens on they keep what prompts begin with alike.

Sources: Anthropic, https://platform.claude.com/docs/en/build-with-claude/prompt-caching (what is
shorter is not cached, and marking it does nothing and costs nothing; writing costs 1.25 times the
input, reading a tenth); OpenAI, https://developers.openai.com/api/docs/guides/prompt-caching
(automatic; the key only brings calls of one prefix to the same machines; up to GPT-5.5 writing
costs nothing). From GPT-5.6 on writing costs 1.25 times the input, and a beginning is found at a
breakpoint alone: without one of ours each row's whole prompt would be written and none found.
"""

import re

from llmconfig.client.types import SharedPrefix

MARK = "cache_control"
BREAKPOINT = "prompt_cache_breakpoint"  # OpenAI's, on parts
EPHEMERAL = {"type": "ephemeral"}  # for five minutes from its last use
EXPLICIT = {"mode": "explicit"}
CACHE_OPTIONS = "prompt_cache_options"
# Of Anthropic's models, the first that fits counts; ids of other providers have dots for dashes.
MIN_TOKENS = (
    (re.compile(r"opus-4-[56](?!\d)|haiku-4-5"), 4096),
    (re.compile(r"opus-4-7|mythos-preview|3-5-haiku|haiku-3|3-haiku"), 2048),
    (re.compile(r"opus-4|sonnet-4|sonnet-5|3-7-sonnet|3-5-sonnet|3-opus"), 1024),
)
# Opus 5, Fable 5 and Mythos 5; and newer ones, where a mark that does nothing costs nothing.
OTHER_MODELS_MIN_TOKENS = 512
AUTOMATIC_MIN_TOKENS = 1024
_GPT = re.compile(r"\bgpt-(\d+)(?:\.(\d+))?")
FIRST_WITH_BREAKPOINTS = (5, 6)


def mark_pays(prefix: SharedPrefix | None, model_id: str) -> bool:
    """Whether Anthropic's model caches so long a system prompt, if it is marked."""
    if prefix is None:
        return False
    name = model_id.replace(".", "-")
    found = (least for models, least in MIN_TOKENS if models.search(name))
    return prefix.system_tokens >= next(found, OTHER_MODELS_MIN_TOKENS)


def needs_breakpoint(model_id: str) -> bool:
    """Whether OpenAI's model finds a beginning at a breakpoint alone, and bills what it writes."""
    found = _GPT.search(model_id)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= FIRST_WITH_BREAKPOINTS


def key_pays(prefix: SharedPrefix | None) -> bool:
    """Whether OpenAI caches so long a beginning; the schema stands before the system prompt."""
    return (
        prefix is not None and prefix.system_tokens + prefix.schema_tokens >= AUTOMATIC_MIN_TOKENS
    )
