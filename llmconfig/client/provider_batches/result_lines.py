"""One line of a batch's results, in either vendor's form. Nothing that a line holds is an error.

OpenAI: https://platform.openai.com/docs/api-reference/batch/request-output
Anthropic: https://docs.claude.com/en/api/retrieving-message-batch-results
"""

import codecs
import re

from llmconfig import provider_types
from llmconfig.client.provider_batches import JSON, Result
from llmconfig.client.wire import BadReply
from llmconfig.client.wire.reading import parse, storable

OK = 200
NO_ANSWER = frozenset({"errored", "canceled", "expired"})
MAX_REASON = 300
MAX_ID = 200
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([A-Za-z0-9_-]{1,200})"')


def read(provider_type: str, line: bytes) -> Result:
    """The result in a line of this vendor's; the first of a file may begin with a mark of UTF-8."""
    line = line.removeprefix(codecs.BOM_UTF8)
    anthropic = provider_types.get(provider_type).batches == "anthropic"
    return of_anthropic(line) if anthropic else of_openai(line)


def of_openai(line: bytes) -> Result:
    """A line of the output file or of the error file: a response with its status, or an error."""
    entry = _entry(line)
    if isinstance(entry, Result):
        return entry
    response, error = _object(entry.get("response")), _said(entry.get("error"))
    status, body = _status(response.get("status_code")), response.get("body")
    if status == OK and isinstance(body, dict) and not error and not body.get("error"):
        return Result(_id(entry), body)
    said = error or _said(_object(body).get("error")) or _said(_object(body))
    if status != OK:
        said = f"{status}: {said}" if said else f"status {status}"
    return Result(_id(entry), reason=said or "It has neither an answer nor an error.")


def of_anthropic(line: bytes) -> Result:
    """A line of the results: succeeded with a message, errored, canceled or expired."""
    entry = _entry(line)
    if isinstance(entry, Result):
        return entry
    result = _object(entry.get("result"))
    kind, message = result.get("type"), result.get("message")
    if kind == "succeeded" and isinstance(message, dict):
        return Result(_id(entry), message)
    error = result.get("error")
    said = _said(_object(error).get("error") or error)
    known = kind if isinstance(kind, str) and kind in NO_ANSWER else "it has no answer"
    return Result(_id(entry), reason=f"{known}: {said}" if said else known)


def too_long(line: bytes, max_bytes: int) -> Result:
    """What is known of a line of which only the beginning is read."""
    return Result(_id_within(line), reason=f"Its line is over {max_bytes // 1024**2} MB.")


def _entry(line: bytes) -> JSON | Result:
    """A line's object, halves of emoji mended as in a live reply."""
    try:
        return parse(line)
    except BadReply:
        return Result(_id_within(line), reason="Its line in the results can't be read.")


def _id_within(line: bytes) -> str:
    """The id in a line that is no JSON; ids of ours need no escapes."""
    found = _CUSTOM_ID.search(line[: 4 * 1024])
    return found[1].decode() if found else ""


def _id(entry: JSON) -> str:
    value = entry.get("custom_id")
    return value[:MAX_ID] if isinstance(value, str) else ""


def _object(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _status(told: object) -> int:
    """The status; servers that leave it out, or send none that is a number, mean 200."""
    try:
        return int(told) if isinstance(told, str | int | float) else OK
    except (ValueError, OverflowError):
        return OK


def _said(error: object) -> str:
    """An error's message, with its code or type before it; some errors are only a text."""
    if isinstance(error, list):
        error = error[0] if error else ""
    if isinstance(error, str):
        return storable(error[:MAX_REASON])
    parts = [_object(error).get(name) for name in ("code", "type", "message")]
    words = [str(each)[:MAX_REASON] for each in parts if isinstance(each, str | int) and each]
    return storable(": ".join(dict.fromkeys(words))[:MAX_REASON])
