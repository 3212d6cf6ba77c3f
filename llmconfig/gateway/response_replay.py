"""A kept response told as a stream once more: `GET /v1/responses/{id}?stream=true`.

Each text comes in one piece, so the numbers aren't those of the first telling. Who goes on after
one of its numbers gets what comes later here, and in any case the last event, which has it all.
"""

from collections.abc import Iterator

import orjson

from llmconfig.gateway.reading import JSON
from llmconfig.gateway.response_output import OPEN, without_bytes

# Of items: what is told of them in pieces, and the events' names.
SAID = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
}
THOUGHTS = {
    "summary": ("summary_index", "reasoning_summary_part", "reasoning_summary_text"),
    "content": ("content_index", "content_part", "reasoning_text"),
}


def events_of(response: JSON, after: int = -1) -> bytes:
    """The events with numbers above `after`; always the last one."""
    told = list(_told(response))
    last = len(told) - 1
    parts: list[bytes] = []
    for place, event in enumerate(told):
        if place > after or place == last:
            data = orjson.dumps({**event, "sequence_number": max(place, after + 1)})
            parts += (b"event: ", event["type"].encode(), b"\ndata: ", data, b"\n\n")
    return b"".join(parts)


def _told(response: JSON) -> Iterator[JSON]:
    head = {**response, "status": OPEN, "output": [], "usage": None, "completed_at": None}
    head |= {"incomplete_details": None}
    yield {"type": "response.created", "response": head}
    yield {"type": "response.in_progress", "response": head}
    for place, item in enumerate(response["output"]):
        where = {"output_index": place}
        yield {"type": "response.output_item.added", **where, "item": _begun(item)}
        yield from _inside(item, {**where, "item_id": item.get("id", "")})
        yield {"type": "response.output_item.done", **where, "item": item}
    yield {"type": f"response.{response['status']}", "response": response}


def _begun(item: JSON) -> JSON:
    """An item before anything was said in it."""
    kind = item["type"]
    begun = {**item, "status": OPEN} if "status" in item else dict(item)
    if kind == "message":
        return begun | {"content": []}
    if kind == "reasoning":
        begun.pop("encrypted_content", None)
        return begun | {name: [] for name in THOUGHTS if item.get(name)}
    if kind in SAID:
        return begun | {SAID[kind][0]: ""}
    return begun


def _inside(item: JSON, where: JSON) -> Iterator[JSON]:
    """What is said in an item, in one piece each."""
    kind = item["type"]
    if kind == "message":
        for at, part in enumerate(item["content"]):
            yield from _part(part, {**where, "content_index": at})
    elif kind == "reasoning":
        for name, (index, part_event, text_event) in THOUGHTS.items():
            for at, part in enumerate(item.get(name) or ()):
                here, text = {**where, index: at}, part.get("text", "")
                empty = {**part, "text": ""}
                yield {"type": f"response.{part_event}.added", **here, "part": empty}
                yield {"type": f"response.{text_event}.delta", **here, "delta": text}
                yield {"type": f"response.{text_event}.done", **here, "text": text}
                yield {"type": f"response.{part_event}.done", **here, "part": part}
    elif kind in SAID:
        name, event = SAID[kind]
        yield {"type": f"{event}.delta", **where, "delta": item[name]}
        yield {"type": f"{event}.done", **where, name: item[name]}


def _part(part: JSON, where: JSON) -> Iterator[JSON]:
    """A part of a message: text or a refusal."""
    kind = part["type"]
    name = "refusal" if kind == "refusal" else "text"
    rows = without_bytes(part.get("logprobs") or ())
    more: JSON = {"logprobs": rows} if kind == "output_text" else {}
    begun = {**part, name: ""} | ({"annotations": [], "logprobs": []} if more else {})
    yield {"type": "response.content_part.added", **where, "part": begun}
    yield {"type": f"response.{kind}.delta", **where, "delta": part.get(name, ""), **more}
    for at, annotation in enumerate(part.get("annotations") or ()):
        noted = {"annotation_index": at, "annotation": annotation}
        yield {"type": "response.output_text.annotation.added", **where, **noted}
    yield {"type": f"response.{kind}.done", **where, name: part.get(name, ""), **more}
    yield {"type": "response.content_part.done", **where, "part": part}
