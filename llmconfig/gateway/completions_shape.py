"""OpenAI's old completions: a prompt becomes one user message, its answer a text.

Source: `openai.types.CompletionCreateParams` of OpenAI's SDK.
"""

import time
from collections.abc import Sequence
from typing import Any

import orjson

from llmconfig.client.types import Call, Delta, Generation
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.openai_shape import DONE, NATIVE, finish_of, usage_of
from llmconfig.gateway.reading import (
    JSON,
    MAX_CHOICES,
    ParsedRequest,
    bad,
    choices_of,
    given_of,
    name_of,
    repeated,
    switch,
)
from llmconfig.runtime.ids import new_id
from llmconfig.runtime.records import replace

READ = frozenset(
    {
        "model", "prompt", "stream", "stream_options", "n", "best_of", "echo", "suffix",
        "logprobs", "temperature", "max_tokens",
    }
)  # fmt: skip
DEFAULT_MAX_TOKENS = 16  # of OpenAI's API
MAX_LOGPROBS = 20


def read_completion(body: JSON, caller: Caller) -> ParsedRequest:
    """A request to `/v1/completions`: each prompt asked `n` times; raises RequestRefused."""
    name = caller.node or name_of(body)
    prompts, choices = _prompts(body.get("prompt")), choices_of(body)
    if len(prompts) * choices > MAX_CHOICES:
        raise bad("prompt", f"Prompts times n go up to {MAX_CHOICES}.")
    if body.get("suffix"):
        raise bad("suffix", "A chat has no place for it; put it into the prompt.")
    if body.get("best_of") not in (None, choices):
        raise bad("best_of", "It is n: all answers are given.")
    extra = {key: value for key, value in body.items() if key not in READ and value is not None}
    likely = _logprobs_wanted(body)
    if likely is not None:
        extra |= {"logprobs": True, "top_logprobs": likely} if likely else {"logprobs": True}
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise bad("stream_options", "This is not an object.")
    given = {"max_tokens": DEFAULT_MAX_TOKENS} | given_of(body, ("max_tokens",))
    first = Call(
        node=name,
        messages=[{"role": "user", "content": prompts[0]}],
        given=given,
        extra=extra,
        logprobs=likely is not None,
        use_cache=len(prompts) * choices == 1,
        user_id=caller.user_id,
        correlation_id=new_id(),
        cache_sampled=False,  # unless it is wished
        waits=False,
        cascades=len(prompts) * choices == 1,
        labels=labels_of("completions", caller.account, body),
        native=NATIVE,
    )
    copies = (first, *repeated(first, len(prompts) * choices - 1))
    calls = [
        replace(call, messages=[{"role": "user", "content": prompts[at // choices]}])
        for at, call in enumerate(copies)
    ]
    echoed = prompts if switch(body, "echo") else [""]
    return ParsedRequest(
        calls[0],
        name,
        switch(body, "stream"),
        switch(options, "include_usage"),
        echo={"prompts": [echoed[at // choices % len(echoed)] for at in range(len(calls))]},
        more=tuple(calls[1:]),
    )


def completion_answer(asked: ParsedRequest, *made: Generation) -> JSON:
    """A whole answer in the form of OpenAI's completion."""
    return _head(asked) | {
        "choices": [
            _choice(at, asked.echo["prompts"][at] + each.text, each.logprobs, finish_of(each))
            for at, each in enumerate(made)
        ],
        "usage": usage_of(*made),
    }


class CompletionEvents:
    """Turns the pieces of one choice into OpenAI's chunks of text."""

    def __init__(self, asked: ParsedRequest, index: int = 0) -> None:
        self._asked = asked
        self._index = index
        self._offset = 0

    def begin(self) -> bytes:
        echoed = self._asked.echo["prompts"][self._index]
        return self._chunk(echoed) if echoed else b""

    def piece(self, delta: Delta) -> bytes:
        """Its text; thoughts and calls have no place in a completion."""
        said = delta.text + delta.refusal
        return self._chunk(said, delta.logprobs) if said or delta.logprobs else b""

    def ended(self, made: Generation) -> bytes:
        return self._chunk("", reason=finish_of(made))

    def end(self, made: Generation, *others: Generation) -> bytes:
        """Why it ended, and what all choices took."""
        usage = usage_of(made, *others)
        if not self._asked.with_usage:
            return self._chunk("", reason=finish_of(made), usage=usage) + DONE
        last = _event(_head(self._asked) | {"choices": [], "usage": usage})
        return self.ended(made) + last + DONE

    def failure(self, shape: JSON) -> bytes:
        """An error after a stream's beginning."""
        return _event(shape)

    def _chunk(
        self, text: str, rows: Sequence[JSON] = (), reason: str | None = None, **more: Any
    ) -> bytes:
        choice = _choice(self._index, text, rows, reason, offset=self._offset)
        self._offset += len(text)
        return _event(_head(self._asked) | {"choices": [choice], **more})


def _prompts(prompt: object) -> list[str]:
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not 0 < len(prompts) <= MAX_CHOICES:
        raise bad("prompt", f"Give a text, or a list of 1 to {MAX_CHOICES} texts.")
    if not all(isinstance(each, str) for each in prompts):
        raise bad("prompt", "Each must be a text; tokens are not taken.")
    return prompts


def _logprobs_wanted(body: JSON) -> int | None:
    """How many alternatives are told for each token, None for no probabilities at all."""
    wanted = body.get("logprobs")
    if wanted is None:
        return None
    if type(wanted) is not int or not 0 <= wanted <= MAX_LOGPROBS:
        raise bad("logprobs", f"It goes from 0 to {MAX_LOGPROBS}.")
    if body.get("echo"):
        raise bad("logprobs", "A prompt's own probabilities are not told: leave out echo.")
    return wanted


def _head(asked: ParsedRequest) -> JSON:
    correlation_id = asked.call.correlation_id
    return {
        "id": f"cmpl-{correlation_id.hex if correlation_id else ''}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": asked.name,
    }


def _choice(
    index: int, text: str, rows: Sequence[JSON], reason: str | None, offset: int = 0
) -> JSON:
    likely = _old_logprobs(rows, offset) if rows else None
    return {"index": index, "text": text, "logprobs": likely, "finish_reason": reason}


def _old_logprobs(rows: Sequence[JSON], offset: int) -> JSON:
    """A chat's rows of tokens as lists side by side."""
    offsets = []
    for row in rows:
        offsets.append(offset)
        offset += len(row.get("token", ""))
    return {
        "tokens": [row.get("token", "") for row in rows],
        "token_logprobs": [row.get("logprob") for row in rows],
        "top_logprobs": [
            {each.get("token", ""): each.get("logprob") for each in row.get("top_logprobs") or ()}
            for row in rows
        ],
        "text_offset": offsets,
    }


def _event(body: JSON) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
