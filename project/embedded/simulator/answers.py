"""Answers that follow from the seed, the model and the messages, and can be traced to them."""

from __future__ import annotations

import math
import random
import re
from statistics import NormalDist

from project.embedded.simulator.calls import (
    CHARACTERS_PER_TOKEN,
    SimulatedAnswer,
    SimulatedCall,
    tokens_in,
)
from project.embedded.simulator.controls import Controls, Errs
from project.embedded.simulator.languages import translated
from project.embedded.simulator.schemas import write_json

_TAGGED = re.compile(r"<([A-Za-z_][\w-]*)>\s*(.*?)\s*</\1>", re.DOTALL)
_QUOTED = re.compile(r'("""|```\w*\n)\s*(.*?)\s*(?:"""|```)', re.DOTALL)
_REPEATED = re.compile(r"([!?.,;:*=_#~-])\1+")
_NORMAL = NormalDist()


def compose(call: SimulatedCall, controls: Controls) -> SimulatedAnswer:
    """The answer to this call with the tokens that a provider would bill for it."""
    errs = controls.errs_of(call.model)
    wrong, likely = (False, controls.token_probability) if errs is None else _erring(call, errs)
    text = _text(call, controls, wrong=wrong)
    finish = "tool" if call.tool else "stop"
    if call.max_tokens is not None and len(text) > call.max_tokens * CHARACTERS_PER_TOKEN:
        text, finish = text[: call.max_tokens * CHARACTERS_PER_TOKEN], "length"
    cached = min(controls.cached_tokens, call.prompt_tokens)
    return SimulatedAnswer(
        text=text,
        finish=finish,
        input_tokens=call.prompt_tokens,
        output_tokens=tokens_in(text) + controls.reasoning_tokens,
        cached_tokens=cached,
        cache_creation_tokens=min(controls.cache_creation_tokens, call.prompt_tokens - cached),
        reasoning_tokens=controls.reasoning_tokens,
        cost=controls.usage_cost,
        token_probability=likely,
    )


def _erring(call: SimulatedCall, errs: Errs) -> tuple[bool, float]:
    """Whether this answer is to be another one, and how likely its tokens are said to be."""
    rng = random.Random(call.fingerprint)  # noqa: S311 - variety, not secrecy
    wrong = rng.random() < errs.share
    odds = 2 + (-errs.telling if wrong else errs.telling) + rng.gauss(0, 1)
    likely = 1 / (1 + math.exp(-odds))
    if call.sampled and rng.random() >= likely:
        wrong = not wrong  # a sample says the other thing, the sooner the less likely the first is
    return wrong, likely


def marker(digest: str) -> str:
    """What ties a plain answer to its question: the head of the user message's sha1."""
    return f"[sim:{digest[:8]}]"


def _text(call: SimulatedCall, controls: Controls, *, wrong: bool) -> str:
    words = tidy(own_words(call.text)).split(" ")
    words = [*words[:1], *words] if wrong else words
    if call.form is not None:
        # Where errors are counted, models agree in all else.
        seed: bytes | str = call.digest + str(wrong) if controls.errs else call.fingerprint
        rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
        return write_json(call.form, rng, words)
    if call.said is not None:
        return call.said
    words = translated(words, call.text)
    if controls.output_tokens is None:
        most = round(controls.left_out * 255)
        keep = max(1, len(words) * (255 - most + call.fingerprint[0] * most // 255) // 255)
        text = " ".join(words[:keep])
        return f"{text} {marker(call.digest)}".lstrip() if controls.marked else text
    share = (int.from_bytes(call.fingerprint[:4], "big") + 0.5) / 2**32
    length = controls.output_tokens
    wanted = length.median * math.exp(length.sigma * _NORMAL.inv_cdf(share))
    return _of_length(words, call, max(1, min(round(wanted), 100_000)))


def _of_length(words: list[str], call: SimulatedCall, tokens: int) -> str:
    tail = " " + marker(call.digest)
    room = max(1, tokens * CHARACTERS_PER_TOKEN - len(tail))
    text = " ".join(words) or "simulated"
    repeated = (text + " ") * (room // (len(text) + 1) + 1)
    return repeated[:room].rstrip() + tail


def own_words(text: str) -> str:
    """What a prompt talks about: its longest tagged or fenced block, else all of it."""
    pattern = _TAGGED if "</" in text else _QUOTED if '"""' in text or "```" in text else None
    blocks = [match[2] for match in pattern.finditer(text)] if pattern else []
    longest = max(blocks, key=len, default="")
    return longest or text


def tidy(text: str) -> str:
    """One line, single spaces, no shouted punctuation."""
    return _REPEATED.sub(r"\1", " ".join(text.split()))
