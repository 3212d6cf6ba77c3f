"""Why a request gets no answer: status, headers and words of a refusal, in either shape."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import Any

from llmconfig.client.errors import (
    AnswerInvalid,
    BudgetExceeded,
    GenerationFailed,
    GenerationRefused,
)
from llmconfig.client.types import Attempt
from llmconfig.errors import CallsDisabled, LLMError, NoTarget, UnknownNode

JSON = dict[str, Any]
# A provider's refusal of these is about the request itself, so the caller gets its words.
CALLERS_FAULT = frozenset({"http_400", "http_413", "http_422"})
DEFAULT_RETRY_AFTER_S = 1.0
MAX_RETRY_AFTER_S = 3600.0
DATABASE_RETRY_AFTER_S = 5.0


class RequestRefused(Exception):
    """A request that isn't answered. `param` names the field that is wrong, if one is; `allow` are
    the methods that the address knows, of one that came by another.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        allow: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.allow = tuple(allow)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """When to come back, or by which methods; the vendors' clients shall not repeat what was
        repeated here.
        """
        if self.retry_after_s is not None:
            seconds = ceil(min(max(self.retry_after_s, 1.0), MAX_RETRY_AFTER_S))
            return [(b"retry-after", str(seconds).encode())]
        allowed = [(b"allow", ", ".join(self.allow).encode())] if self.allow else []
        return [(b"x-should-retry", b"false"), *allowed]


OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    426: "invalid_request_error",
    429: "rate_limit_error",
}
ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
Shape = Callable[[RequestRefused], JSON]


def openai_shape(refused: RequestRefused) -> JSON:
    """`{"error": {…}}` as OpenAI has it. Its clients show the message alone: it names the field."""
    param, said = refused.param, refused.message
    return {
        "error": {
            "message": said if param is None or param in said else f"{param}: {said}",
            "type": OPENAI_TYPES.get(refused.status, "api_error"),
            "param": param,
            "code": refused.code,
        }
    }


def anthropic_shape(refused: RequestRefused) -> JSON:
    """`{"type": "error", "error": {…}}` as Anthropic has it."""
    said = f"{refused.param}: {refused.message}" if refused.param else refused.message
    kind = ANTHROPIC_TYPES.get(refused.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": said}}


def ollama_shape(refused: RequestRefused) -> JSON:
    """`{"error": "…"}` as Ollama has it."""
    return {"error": f"{refused.param}: {refused.message}" if refused.param else refused.message}


def refusal_of(error: LLMError, name: str) -> RequestRefused:
    """What a caller is told of an error of ours."""
    if isinstance(error, CallsDisabled):
        return RequestRefused(503, error.code, "All calls are switched off at the moment.")
    if isinstance(error, UnknownNode):
        return unknown_model(name)
    if isinstance(error, BudgetExceeded):
        # Nobody knows when there is money again, and the vendors' clients would sleep on a guess.
        return RequestRefused(429, error.code, "A budget for these calls is used up.")
    if isinstance(error, NoTarget):
        return RequestRefused(503, error.code, f"No model can serve {name!r} at the moment.")
    if isinstance(error, GenerationFailed):
        return _failed(error)
    return RequestRefused(
        503, "configuration", f"{name!r} is not set up; its administrator knows more."
    )


def database_away() -> RequestRefused:
    """The database can't be reached, and what was last known is too old to go by."""
    return RequestRefused(
        503,
        "unavailable",
        "The configuration can't be read at the moment; try again soon.",
        retry_after_s=DATABASE_RETRY_AFTER_S,
    )


def stopping() -> RequestRefused:
    """The process ends; another one, or the next, answers."""
    return RequestRefused(
        503,
        "stopping",
        "This server is being stopped; try again.",
        retry_after_s=DEFAULT_RETRY_AFTER_S,
    )


def unknown_model(name: str) -> RequestRefused:
    """No node, interaction type or model of this name."""
    said = f"The model {name!r} does not exist. GET /v1/models lists those that this key may call."
    return RequestRefused(404, "model_not_found", said, param="model")


def _failed(error: GenerationFailed) -> RequestRefused:
    record = error.record
    if record.error_code == "calls_disabled":
        return RequestRefused(503, "calls_disabled", "All calls are switched off at the moment.")
    if record.error_code == "deadline":
        return _too_late(record.attempts)
    if isinstance(error, AnswerInvalid):
        return RequestRefused(502, error.code, "The model's answer does not obey the schema.")
    lasting = isinstance(error, GenerationRefused)
    if not record.attempts:
        return RequestRefused(502, error.code, "No model could answer.")
    last = record.attempts[-1]
    if last.outcome == "cooling":
        return _cooling(record.attempts)
    return _of_attempt(last, lasting=lasting) or _with_reason(error.code, last)


def _too_late(attempts: Sequence[Attempt]) -> RequestRefused:
    """The call's time was over while a model had it, or before limits let it go to one."""
    if attempts and attempts[-1].waited_ms:
        return _over_limits(DEFAULT_RETRY_AFTER_S)
    return RequestRefused(504, "timeout", "No model answered in time.")


def _cooling(attempts: Sequence[Attempt]) -> RequestRefused:
    """Which providers are left alone, and until when; the first of them may be asked again."""
    left: dict[str, float] = {}
    for each in attempts:
        if each.outcome == "cooling":
            seconds = each.retry_after_s or DEFAULT_RETRY_AFTER_S
            left[each.provider] = min(seconds, left.get(each.provider, seconds))
    now = dt.datetime.now(dt.UTC)
    told = ", ".join(
        f"{name} is cooling down until {now + dt.timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
        for name, seconds in left.items()
    )
    return RequestRefused(
        503,
        "unavailable",
        f"No model can be reached at the moment: {told}.",
        retry_after_s=min(left.values()),
    )


def _with_reason(code: str, last: Attempt) -> RequestRefused:
    """The last provider's own words, where they speak of no account and no key of ours."""
    reason = _words_of(last)
    if reason and (last.outcome == "bad_reply" or last.outcome.startswith("http_5")):
        return RequestRefused(502, code, f"No model could answer: {reason}")
    return RequestRefused(502, code, "No model could answer.")


def _words_of(attempt: Attempt) -> str:
    """The provider's own, without our bookkeeping behind them."""
    return attempt.detail.partition("; counted by")[0]


def _of_attempt(last: Attempt, *, lasting: bool) -> RequestRefused | None:
    """What the last attempt says by itself, None if nothing that the caller can act on.

    `lasting`: the same request can't fare better.
    """
    if last.outcome in CALLERS_FAULT:
        said = _words_of(last) or "The model refused the request."
        return RequestRefused(400, "provider_refused", said)
    if lasting and (last.outcome == "http_429" or last.outcome.startswith("http_5")):
        said = _words_of(last) or "The model can't take this request."
        return RequestRefused(400, "provider_refused", said)
    if last.outcome == "connection":
        return RequestRefused(
            503,
            "unavailable",
            "No model can be reached at the moment.",
            retry_after_s=last.retry_after_s or DEFAULT_RETRY_AFTER_S,
        )
    if last.outcome == "budget_unknown":
        return RequestRefused(
            503,
            last.outcome,
            "A budget for these calls can't be read at the moment; try again soon.",
            retry_after_s=DATABASE_RETRY_AFTER_S,
        )
    if _limited(last):
        return _over_limits(last.retry_after_s or DEFAULT_RETRY_AFTER_S)
    return None


def _over_limits(retry_after_s: float) -> RequestRefused:
    return RequestRefused(
        429, "rate_limited", "The model's limits are reached.", retry_after_s=retry_after_s
    )


def _limited(attempt: Attempt) -> bool:
    return attempt.outcome in {"http_429", "limited", "limits_unknown"}
