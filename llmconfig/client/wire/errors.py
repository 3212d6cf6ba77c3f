"""Errors in the forms in which vendors, local servers and the proxies between them send them.

`{"error": {…}}` (OpenAI, Anthropic, vLLM), the same in a list (Gemini), with a text or a number for
the error (xAI, LM Studio, Ollama), without anything around it (Mistral, Cohere, FastAPI), with the
reason hidden in `metadata.raw` (OpenRouter) or in `details` (Google), in a choice, or in a reply
that says 200.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

import orjson

from llmconfig.client.wire import JSON, Refusal
from llmconfig.client.wire.reading import object_of, text_of

MAX_DEPTH = 4
MAX_RAW_CHARACTERS = 4096
MESSAGE_FIELDS = (
    "message", "msg", "detail", "error_message", "error_description", "status_msg",
    "Message", "errorMessage",
)  # fmt: skip
CODE_FIELDS = ("code", "type", "status", "error_type", "error_code", "reason")
STATUS_FIELDS = ("status", "status_code", "statusCode", "code", "http_status", "error_code")
ERROR_PLACES = frozenset({"error", "errors", "base_resp", "type"})
# What named errors mean where a body with status 200 gives no number.
NAMED_STATUSES = {
    "invalid_request_error": 400,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "exceed_context_size_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "unauthenticated": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found_error": 404,
    "not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "internal_server_error": 500,
    "internal": 500,
    "unavailable": 503,
    "unavailable_error": 503,
    "deadline_exceeded": 504,
    "timeout_error": 504,
    "overloaded_error": 529,
    # AWS and Alibaba, within a stream
    "throttlingexception": 429,
    "validationexception": 400,
    "accessdeniedexception": 403,
    "modeltimeoutexception": 504,
    "serviceunavailableexception": 503,
    "throttling": 429,
    "throttling.ratequota": 429,
    "throttling.allocationquota": 429,
    "invalidapikey": 401,
    "arrearage": 402,
    "datainspectionfailed": 400,
}
# MiniMax' numbers in `base_resp`, in a reply that says 200 (its list of error codes).
MINIMAX_STATUSES = {
    1001: 504, 1002: 429, 1004: 401, 1008: 402, 1024: 500, 1026: 400, 1027: 400, 1033: 500,
    1039: 400, 1041: 429, 1042: 400, 2013: 400, 2049: 401, 2056: 429,
}  # fmt: skip
_WAIT = re.compile(
    r"(?:try again|retry)(?: your request)? (?:in|after) "
    r"(?:(\d+)\s?h(?:ours?)?\s?)?(?:(\d+)\s?m(?:in(?:utes?)?)?(?!s)\s?)?"
    r"(?:(\d+(?:\.\d+)?)\s?(ms|s(?:ec(?:onds?)?)?)\b)?",
    re.IGNORECASE,
)


def error_in(value: Any, *, good: bool) -> Refusal | None:
    """The error in a reply's JSON value, None if it holds none.

    `good` says that the reply's status was 200: then only what can't be an answer is an error.
    """
    if isinstance(value, list):
        found = [each for each in value if isinstance(each, dict)]
        errors = (error_in(each, good=good) for each in found)
        return next((each for each in errors if each is not None), None)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return None if good and not isinstance(value, str) else _of_scalar(value)
    if not isinstance(value, dict) or (good and _is_plainly_an_answer(value)):
        return None
    found_here = _error_of(value)
    if found_here is not None:
        return _refusal(found_here, value)
    if _is_bare_error(value, good=good):
        return _refusal(value, {})
    return None


def _is_plainly_an_answer(value: JSON) -> bool:
    """Whether a good reply has choices and no place for an error, as nearly all have."""
    choices = value.get("choices")
    if type(choices) is not list or not ERROR_PLACES.isdisjoint(value):
        return False
    choice = choices[0] if choices else None
    return value.get("object") != "error" and not (type(choice) is dict and "error" in choice)


def _error_of(value: JSON) -> Any:
    """What stands under `error`, `errors` or a choice's `error`; None for nothing or blanks."""
    for candidate in (value.get("error"), value.get("errors"), _in_choice(value)):
        if not candidate:
            continue
        if isinstance(candidate, dict) and not any(candidate.values()):
            continue
        return candidate
    return None


def _in_choice(value: JSON) -> Any:
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return object_of(choice).get("error")


def _is_bare_error(value: JSON, *, good: bool) -> bool:
    """Whether an object is an error by itself: no answer is in it, and it says why."""
    if value.get("object") == "error" or value.get("type") == "error":
        return True
    base = object_of(value.get("base_resp"))  # MiniMax
    if base.get("status_code") not in (None, 0):
        return True
    said = any(value.get(name) for name in MESSAGE_FIELDS)
    if not good:
        return said
    answers = "choices" in value or "content" in value or "data" in value
    return said and not answers and _status(value) is not None


def _refusal(error: Any, around: JSON) -> Refusal:
    if isinstance(error, list):
        error = next((each for each in error if each), "")
    if not isinstance(error, dict):
        scalar = _of_scalar(error)
        codes = scalar.codes | frozenset(_codes(around))
        told = scalar.message if error is not True else _message(around, 0)
        return Refusal(told, codes, scalar.status or _status(around), _wait_in(told))
    base = object_of(error.get("base_resp"))
    error = {**base, **error}
    message = _message(error, 0) or _message(around, 0)
    codes = frozenset([*_codes(error), *_codes(around)])
    named = next((NAMED_STATUSES[each.lower()] for each in codes if each.lower() in NAMED_STATUSES),
                 None)  # fmt: skip
    status = _status(error) or _status(around) or named
    status = status or MINIMAX_STATUSES.get(base.get("status_code", 0))
    wait = _retry_delay(error) or _wait_until(error) or _wait_in(message)
    return Refusal(message, codes, status, wait, _parameter(error) or _parameter(around))


def _of_scalar(error: Any) -> Refusal:
    if isinstance(error, str):
        found = _nested(error, 0)
        return found if found is not None else Refusal(error, frozenset(), None, _wait_in(error))
    number = error if type(error) is int else None
    status = number if number is not None and 300 <= number <= 599 else None
    return Refusal(f"error {error}", frozenset(), status)


def _message(error: JSON, depth: int) -> str:
    """The words, with the upstream's own behind a gateway's general ones."""
    words = next((said for name in MESSAGE_FIELDS if (said := _words(error.get(name), depth))), "")
    metadata = object_of(error.get("metadata"))
    raw = metadata.get("raw")
    reason = _words(raw, depth) if raw is not None else ""
    if reason and reason not in words:
        provider = text_of(metadata.get("provider_name"))
        words = f"{words} ({provider}): {reason}" if provider else f"{words}: {reason}"
    inner = object_of(error.get("innererror") or error.get("inner_error"))
    if not words and inner:
        words = _message(inner, depth + 1)
    return words or "; ".join(
        text for each in _details(error) if (text := text_of(each["message"]))
    )


def _words(said: Any, depth: int) -> str:
    """A message that is text, JSON in a text, an object, or FastAPI's list of complaints."""
    if depth > MAX_DEPTH:
        return ""
    if isinstance(said, str):
        nested = _nested(said, depth)
        return nested.message if nested is not None and nested.message else text_of(said)
    if isinstance(said, list):
        return "; ".join(words for each in said[:3] if (words := _words(each, depth + 1)))
    if isinstance(said, dict):
        where = said.get("loc")
        words = _message(said, depth + 1) or _words(said.get("error"), depth + 1)
        if isinstance(where, list) and words:
            return f"{'.'.join(map(str, where))}: {words}"
        return words
    return ""


def _nested(text: str, depth: int) -> Refusal | None:
    """The error in a text that is itself JSON."""
    if text.lstrip()[:1] not in {"{", "["} or len(text) > MAX_RAW_CHARACTERS or depth > MAX_DEPTH:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    value = next((each for each in value if each), None) if isinstance(value, list) else value
    inner = object_of(value)
    error = inner.get("error", inner)
    if isinstance(error, str):
        return Refusal(error, frozenset(_codes(inner)), _status(inner))
    error = object_of(error)
    return Refusal(_message(error, depth + 1), frozenset(_codes(error)), _status(error))


def _codes(error: JSON) -> Iterator[str]:
    for name in CODE_FIELDS:
        code = error.get(name)
        if isinstance(code, str) and code:
            yield code
    named = text_of(error.get("__type"))  # AWS
    if named:
        yield named.rpartition("#")[2]
    details = object_of(error.get("details"))  # Anthropic
    for holder in (object_of(error.get("innererror")), details):
        for name in ("code", "error_code"):
            if isinstance(holder.get(name), str):
                yield holder[name]
    for each in _details(error):  # Google
        if isinstance(each.get("reason"), str):
            yield each["reason"]


def _parameter(error: JSON) -> str:
    """The part of the request that `param` names, or FastAPI's `loc`."""
    named = text_of(error.get("param"))
    if named and named.lower() not in {"none", "null"}:
        return named
    complaints = error.get("detail")
    first = complaints[0] if isinstance(complaints, list) and complaints else None
    where = object_of(first).get("loc")
    return ".".join(map(str, where)) if isinstance(where, list) else ""


def _details(error: JSON) -> list[JSON]:
    details = error.get("details")
    found = (
        [each for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    )
    return [{"message": None, **each} for each in found]


def _status(error: JSON) -> int | None:
    for name in STATUS_FIELDS:
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        if type(value) is int and 300 <= value <= 599:
            return value
    return None


def _retry_delay(error: JSON) -> float | None:
    """Google's RetryInfo: seconds with up to nine decimals and an s."""
    for each in _details(error):
        delay = each.get("retryDelay")
        if isinstance(delay, str):
            try:
                return max(0.0, float(delay.removesuffix("s")))
            except ValueError:
                return None
    return None


def _wait_until(error: JSON) -> float | None:
    """OpenRouter's header of its own limits, which it puts into the error: milliseconds of 1970.

    For free models: openrouter.ai/docs/api-reference/limits.
    """
    headers = object_of(object_of(error.get("metadata")).get("headers"))
    told = headers.get("X-RateLimit-Reset")
    if not isinstance(told, str) or not told.isascii() or not told.isdigit() or len(told) != 13:
        return None
    return max(0.0, int(told) / 1000 - time.time())


def _wait_in(message: str) -> float | None:
    """Seconds that a message names, as OpenAI's and Groq's do: "try again in 1m2.5s"."""
    found = _WAIT.search(message)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds, unit = found.groups()
    short = float(seconds or 0) * (0.001 if unit and unit.lower() == "ms" else 1.0)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + short
