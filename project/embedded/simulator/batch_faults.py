"""What can be wrong with the results of a batch: faults of single lines, for both vendors."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from project.embedded.simulator.wire import JsonObject

Lines = list[bytes]


def _first(lines: Lines, change: Callable[[bytes], bytes]) -> Lines:
    return [change(lines[0]), *lines[1:]] if lines else lines


def _last(lines: Lines, change: Callable[[bytes], bytes]) -> Lines:
    return [*lines[:-1], change(lines[-1])] if lines else lines


def _answer(entry: JsonObject) -> JsonObject:
    """The reply within a line; a new object where the line has none."""
    if "result" in entry:
        return entry["result"].get("message") or {}
    return (entry.get("response") or {}).get("body") or {}


def _without_usage(line: bytes) -> bytes:
    entry = orjson.loads(line)
    _answer(entry).pop("usage", None)
    return orjson.dumps(entry)


def _cut_off(line: bytes) -> bytes:
    entry = orjson.loads(line)
    answer = _answer(entry)
    for choice in answer.get("choices", ()):
        choice["finish_reason"] = "length"
    if "stop_reason" in answer:
        answer["stop_reason"] = "max_tokens"
    return orjson.dumps(entry)


def _renamed(line: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(line), "custom_id": "nobody-0"})


def _with_half_an_emoji(line: bytes) -> bytes:
    return line.replace(b"[sim", b"\\ud83d[sim", 1)


# By name: what becomes of the lines of the answers.
LINE_FAULTS: dict[str, Callable[[Lines], Lines]] = {
    "blank_line": lambda lines: [b"", *lines[:1], b"  ", *lines[1:]],
    "half_emoji": lambda lines: _first(
        lines, lambda line: line.replace(b"[sim", b"\\ud83d[sim", 1)
    ),
    "cut_line": lambda lines: _last(lines, lambda line: line[: len(line) // 2]),
    "not_json": lambda lines: _first(lines, lambda _line: b"<html>502 Bad Gateway</html>"),
    "missing_line": lambda lines: lines[1:],
    "twice": lambda lines: [*lines, *lines[:2]],
    "unknown_ids": lambda lines: [*(_renamed(line) for line in lines[:2]), *lines],
    "no_usage": lambda lines: _first(lines, _without_usage),
    "cut_off": lambda lines: _first(lines, _cut_off),
}
# Of the batch as it is polled.
BATCH_FAULTS = ("blank_file_ids", "wrong_counts")
KNOWN = (*LINE_FAULTS, *BATCH_FAULTS)


def spoiled(faults: tuple[str, ...], content: bytes) -> bytes:
    """The answers' lines with these faults in them."""
    found = [name for name in faults if name in LINE_FAULTS]
    if not found:
        return content
    lines = content.splitlines()
    for name in found:
        lines = LINE_FAULTS[name](lines)
    return b"\n".join(lines) + b"\n"
