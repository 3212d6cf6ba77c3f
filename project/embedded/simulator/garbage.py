"""Answers that are not what they should be, for clients that must survive them."""

from __future__ import annotations

import json
import math
import zlib
from functools import lru_cache

import orjson

from project.embedded.simulator.wire import HttpReply, JsonObject

MEGABYTE = 1024 * 1024
DEPTH = 100_000
# Two private-use characters are as long in UTF-8 as the escape that takes their place, so that
# sizes already framed stay true. They stand first, where no event splits them.
_STAND_IN = "\ue000\ue000"
_LONE_SURROGATE = b"\\ud83d"
_HTML = b"<html><head><title>502</title></head><body>The gateway is taking a break.</body></html>"


def garbled_text(kind: str, text: str) -> str:
    """A model's text spoiled; other kinds leave it as it is."""
    match kind:
        case "truncated_content":
            return text[: len(text) // 2]
        case "not_json":
            return f"Sure, here is what you asked for:\n{text}"
        case "nul":
            return f"\x00{text}"
        case "surrogate":
            return _STAND_IN + text
    return text


def with_lone_surrogate(reply: HttpReply) -> HttpReply:
    """The reply with the half of an emoji where `garbled_text` left room for it."""
    reply.body = reply.body.replace(_STAND_IN.encode(), _LONE_SURROGATE)
    return reply


def garbled_body(
    kind: str, body: JsonObject, headers: tuple[tuple[bytes, bytes], ...]
) -> HttpReply:
    """A whole answer spoiled: always 200 and JSON by its header."""
    return HttpReply(200, _spoiled(kind, body), headers=headers)


def _spoiled(kind: str, body: JsonObject) -> bytes:
    usage = body["usage"]
    match kind:
        case "truncated_body":
            whole = orjson.dumps(body)
            return whole[: len(whole) // 2]
        case "wrong_types":
            odd = {"id": 7, "choices": {"0": "zero"}, "content": 5, "data": "none", "usage": "many"}
            return orjson.dumps({name: odd.get(name, value) for name, value in body.items()})
        case "no_choices":
            empty: JsonObject = {
                name: [] for name in ("choices", "content", "data") if name in body
            }
            return orjson.dumps(body | empty)
        case "nan":
            odd_counts = [math.nan, math.inf]
            counts = {name: odd_counts[turn % 2] for turn, name in enumerate(usage)}
            return json.dumps(body | {"usage": counts}).replace("Infinity", "1e400").encode()
        case "negative_usage":
            counts = {name: -abs(n) if isinstance(n, int) else n for name, n in usage.items()}
            return orjson.dumps(body | {"usage": counts})
    return b'{"choices":' + b"[" * DEPTH + b"]" * DEPTH + b"}"


def html_page(status: int = 200) -> HttpReply:
    """What a gateway says in a provider's place."""
    return HttpReply(status, _HTML, b"text/html; charset=utf-8")


def huge_text(megabytes: int) -> str:
    """A text of this size that is words all the same."""
    return "loyal and gentle " * (megabytes * MEGABYTE // 17)


@lru_cache(maxsize=2)
def gzip_bomb(megabytes: int) -> HttpReply:
    """A small compressed body that unpacks to this size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    parts = [packer.compress(b'{"id":"bomb","choices":[')]
    parts += [packer.compress(b" " * MEGABYTE) for _ in range(megabytes)]
    parts += [packer.compress(b"]}"), packer.flush()]
    return HttpReply(200, b"".join(parts), headers=((b"content-encoding", b"gzip"),))
