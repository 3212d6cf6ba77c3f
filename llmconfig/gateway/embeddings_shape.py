"""OpenAI's requests for embeddings, and their answers."""

import array
import base64
import sys
from collections.abc import Iterable
from typing import Any

from uuid_utils.compat import uuid7

from llmconfig.client.pipeline.embeddings import EmbeddingCall, Embeddings
from llmconfig.client.wire import Input
from llmconfig.gateway.access import Caller
from llmconfig.gateway.caller_labels import labels_of
from llmconfig.gateway.reading import JSON, bad, name_of

MAX_INPUTS = 2048


def read_embedding(body: JSON, caller: Caller) -> tuple[EmbeddingCall, str, bool]:
    """An embedding's request: the call, its name, and whether vectors go as base64."""
    name = caller.node or name_of(body)
    form = body.get("encoding_format")
    if form not in (None, "float", "base64"):
        raise bad("encoding_format", "It is float or base64.")
    call = EmbeddingCall(
        node=name,
        inputs=_inputs(body.get("input")),
        extra={
            key: value
            for key, value in body.items()
            if key not in {"model", "input", "encoding_format"} and value is not None
        },
        user_id=caller.user_id,
        labels=labels_of("embeddings", caller.account, body),
        waits=False,
    )
    return call, name, form == "base64"


def embedding_answer(name: str, made: Embeddings, *, as_base64: bool) -> JSON:
    """Vectors in the form of OpenAI's list of embeddings."""
    write = _base64 if as_base64 else _as_it_is
    tokens = sum(record.usage.tokens_input for record in made.records)
    return {
        "id": f"embd-{uuid7().hex}",  # Mistral's SDK insists on one
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(made.vectors)
        ],
        "model": name,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _inputs(value: object) -> list[Input]:
    """One text or many, or their tokens."""
    inputs: Any = value
    if isinstance(value, str) or (isinstance(value, list) and value and _tokens(value)):
        inputs = [value]
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MAX_INPUTS:
        raise bad("input", f"Give a text, or a list of 1 to {MAX_INPUTS} texts.")
    for each in inputs:
        good = bool(each) and (isinstance(each, str) or (isinstance(each, list) and _tokens(each)))
        if not good:
            raise bad("input", "Each must be a text that isn't blank, or a list of tokens.")
    return inputs


def _tokens(value: Iterable[object]) -> bool:
    return all(type(each) is int and 0 <= each < 2**31 for each in value)


def _as_it_is(vector: list[float]) -> list[float]:
    return vector


def _base64(vector: list[float]) -> str:
    """Single-precision floats, little-endian."""
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()
