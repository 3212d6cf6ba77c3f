"""A prompt cache by the vendors' documented rules, where `prompt_cache` is switched on.

OpenAI's finds the longest beginning that it has seen, from 1,024 tokens on, in steps of 128.
From GPT-5.6 on it keeps what ends with a breakpoint, its own at the end of all or the caller's, and
bills what is written. Anthropic's keeps what ends with a mark, if it is long enough for the model.
Neither forgets.
"""

from __future__ import annotations

from hashlib import sha1

from project.embedded.simulator.calls import CHARACTERS_PER_TOKEN, SimulatedAnswer, SimulatedCall
from project.embedded.simulator.wire import JsonObject

AUTOMATIC_FROM, AUTOMATIC_STEP = 1_024, 128
# Least tokens before a mark by a part of the model's name; the first that fits counts.
MARKED_FROM = (
    ("haiku-4-5", 4_096),
    ("opus-4-5", 4_096),
    ("opus-4-6", 4_096),
    ("opus-4-7", 2_048),
    ("haiku", 2_048),
    ("opus-5", 512),
    ("", 1_024),
)


class PromptCache:
    """What beginnings a provider has seen, by model."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def apply(self, call: SimulatedCall, answer: SimulatedAnswer) -> None:
        """Count the tokens that were read from the cache and written to it."""
        if call.beginning is None:
            return
        text, is_marked = call.beginning
        if is_marked:
            tokens = len(text) // CHARACTERS_PER_TOKEN
            least = next(least for name, least in MARKED_FROM if name in call.model)
            if tokens < least:
                return
            if self._has(call.model, text):
                answer.cached_tokens = tokens
            else:
                answer.cache_creation_tokens = tokens
            return
        steps = range(AUTOMATIC_FROM, len(text) // CHARACTERS_PER_TOKEN + 1, AUTOMATIC_STEP)
        known = [n for n in steps if self._has(call.model, text[: n * CHARACTERS_PER_TOKEN])]
        answer.cached_tokens = max(known, default=0)

    def _has(self, model: str, text: str) -> bool:
        """Whether it was seen before; from now on it was."""
        found = sha1(f"{model}\n{text}".encode(errors="replace"), usedforsecurity=False).digest()
        known = found in self._seen
        self._seen.add(found)
        return known


def openai_beginning(body: JsonObject, model: str, texts: list[str]) -> tuple[str, bool] | None:
    """What may be cached: any beginning, or from GPT-5.6 on what ends with a breakpoint."""
    if not model.startswith("gpt-5.6"):
        return "\n".join(texts), False
    options = body.get("prompt_cache_options")
    if not (isinstance(options, dict) and options.get("mode") == "explicit"):
        return "\n".join(texts), True
    marked = [
        at
        for at, message in enumerate(body["messages"])
        if "prompt_cache_breakpoint" in str(message.get("content"))
    ]
    return ("\n".join(texts[: marked[-1] + 1]), True) if marked else None
