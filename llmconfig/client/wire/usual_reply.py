"""The reply that OpenAI's servers send nearly always, read in one look.

What is read here, the adapter's general way reads in the same words; anything else that a reply may
hold is left to that. `tests/llmconfig/test_usual_replies.py` compares the two.
"""

from typing import Any

from llmconfig.client.types import Billed, Usage
from llmconfig.client.wire import JSON, Reply
from llmconfig.client.wire.template_tokens import without_end_tokens
from llmconfig.client.wire.thinking import may_hold_thoughts
from llmconfig.client.wire.usage import MAX_TOKENS

# All that such a reply has: with any other field it is none.
REPLY_FIELDS = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"}
)
CHOICE_FIELDS = frozenset({"index", "message", "logprobs", "finish_reason"})
MESSAGE_FIELDS = frozenset(
    {"role", "content", "refusal", "annotations", "tool_calls", "function_call"}
)
COUNT_FIELDS = frozenset(
    {
        "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
        "completion_tokens_details",
    }
)  # fmt: skip
DETAILS = ("prompt_tokens_details", "completion_tokens_details")
STOP = "stop"
STANDARD_TIER = "default"
ERROR = "error"  # what Mistral calls a reply that is none


def usual_reply(value: JSON) -> Reply | None:
    """One whole text and its token counts; None if there is anything else in the reply."""
    try:
        (choice,) = value["choices"]
        reason, message, counts = choice["finish_reason"], choice["message"], value["usage"]
    except (KeyError, TypeError, ValueError):
        return None
    if type(value["choices"]) is not list or not REPLY_FIELDS.issuperset(value):
        return None
    if type(choice) is not dict or not CHOICE_FIELDS.issuperset(choice):
        return None
    if reason != STOP or choice.get("logprobs") is not None or value.get("object") == ERROR:
        return None
    text, usage, tier = _text(message), _usage(counts), value.get("service_tier")
    if text is None or usage is None or not (tier is None or tier == STANDARD_TIER):
        return None
    billed = Billed(usage, None, "", tier is not None)
    return Reply(text, STOP, billed, (), (), (), "", STOP, None, value)


def _text(message: Any) -> str | None:
    """What a message says that says nothing besides."""
    if type(message) is not dict or not MESSAGE_FIELDS.issuperset(message):
        return None
    if message.get("refusal") or message.get("tool_calls") or message.get("function_call"):
        return None
    text = message.get("content")
    if type(text) is not str or "\0" in text or may_hold_thoughts(text):
        return None
    return text if without_end_tokens(text) is text else None


def _usage(counts: Any) -> Usage | None:
    """Tokens of two buckets that make the total, with nothing in any detail."""
    if type(counts) is not dict or not COUNT_FIELDS.issuperset(counts):
        return None
    for name in DETAILS:
        details = counts.get(name)
        if details is not None and (type(details) is not dict or any(details.values())):
            return None
    prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int:
        return None
    if not (0 <= prompt <= MAX_TOKENS and 0 <= completion <= MAX_TOKENS):
        return None
    if counts.get("total_tokens") != prompt + completion:
        return None
    return Usage(prompt, 0, 0, completion, 0)
