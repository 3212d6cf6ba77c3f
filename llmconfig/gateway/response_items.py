"""Items of responses as OpenAI lists them: each with an id, a type, a status and lists of parts."""

from llmconfig.gateway.reading import JSON

PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "reasoning": "rs",
}
TEXT_KINDS = {"assistant": "output_text"}  # of others: input_text


def with_ids(given: object, owner: str) -> list[JSON]:
    """A request's input as a list of items with ids; `owner` is the id of its response."""
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    items = given if isinstance(given, list) else []
    found = []
    for at, item in enumerate(items):
        kind = item.get("type", "message")
        made = f"{PREFIXES.get(kind, 'item')}_{owner}i{at}"
        found.append({**item, "type": kind, "id": item.get("id") or made})
    return found


def complete(item: JSON) -> JSON:
    """An item with all fields that OpenAI's types ask for."""
    kind = item["type"]
    if kind == "reasoning":
        return {"summary": [], **item}
    if kind != "message":
        return {"status": "completed", **item}
    role, content = item.get("role"), item.get("content")
    text_kind = TEXT_KINDS.get(str(role), "input_text")
    if isinstance(content, str):
        content = [{"type": text_kind, "text": content}]
    parts = [_part(part, text_kind) for part in content or ()]
    return {"status": "completed", **item, "content": parts}


def _part(part: JSON, text_kind: str) -> JSON:
    kind = part.get("type")
    if kind in {"text", "input_text", "output_text"}:
        told: JSON = {"type": text_kind, "text": part.get("text", "")}
        return (
            told | {"annotations": part.get("annotations", [])}
            if text_kind == "output_text"
            else told
        )
    if kind == "input_image":
        return {"detail": "auto", **part}
    return part
