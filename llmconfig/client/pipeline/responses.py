"""What a reply means: an answer, or a failure that the same request may or may not get over."""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from llmconfig.client.http.retry_after import bounded, retry_after
from llmconfig.client.http.transport import Response
from llmconfig.client.types import NOT_BILLED, Billed
from llmconfig.client.wire import JSON, BadReply, Refusal, Reply, Wire, usage
from llmconfig.client.wire.events import DONE, EventReader
from llmconfig.client.wire.reading import parse_value
from llmconfig.runtime.records import replace

# 498: Groq has no room at its tier "flex" (console.groq.com/docs/errors).
TRANSIENT_STATUSES = frozenset({408, 409, 425, 429, 498})
# An empty account stays empty: repeating these only earns more of them.
QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "quota_exceeded",
        "credit_balance_too_low",
        "payment_required",
        "1113",  # Z.ai: the account is in arrears
        "exceeded_current_quota_error",  # Moonshot: the account is suspended
        "Arrearage",  # Alibaba
        "AllocationQuota.FreeTierOnly",
        "budget_exceeded",  # LiteLLM's proxy
    }
)
# The same in words: Anthropic sends it as a plain 400, xAI as a 403, Moonshot as a 429. "Exceeded
# your current quota" isn't among them, because Gemini says it of a minute's limit too. Anthropic's
# limit that an owner set: anthropics/claude-code#2127, #38035. Fireworks says it as a 412.
_EMPTY_ACCOUNT = re.compile(
    r"credit balance is too low|insufficient[ _](?:credits?|balance|funds)|out of credits"
    r"|used all available credits|requires? more credits|account balance"
    r"|spend(?:ing)? (?:limit|cap)|reached your specified api usage limits"
    r"|(?:doesn't|don't|do not) have any credits|credits are depleted|daily free allocation"
    r"|balance is (?:not enough|insufficient)|payment required|余额不足|欠费",
    re.IGNORECASE,
)
BILLING_STATUSES = frozenset({400, 401, 403, 412, 429})
KEY_CODES = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "invalid_api_key"})
# Gemini and xAI say 400 to a key that they don't know.
_BAD_KEY = re.compile(
    r"api[ _]key (?:not valid|not found|expired|is invalid)"
    r"|(?:incorrect|invalid|expired|missing) api[ _-]?key",
    re.IGNORECASE,
)
KEY_REFUSED = "http_401"
# The request's own fault, whatever status it came with: llama.cpp says 500 to a prompt too long.
LASTING_CODES = frozenset({"exceed_context_size_error", "context_length_exceeded"})
# Failures that a request brings with it although the status says that the server is at fault:
# llama.cpp says 500 to a picture for a model without eyes, to a grammar and to a template.
_REQUESTS_FAULT = re.compile(
    r"not supported|unsupported|does not support|too large to process|too long"
    r"|exceeds? the (?:available |maximum )?context|context size has been exceeded"
    r"|not implemented|mmproj"
    r"|failed to (?:parse|apply|load image|process image)|invalid (?:image|grammar|json schema)",
    re.IGNORECASE,
)
# A limit of a minute that this one request is over by itself (OpenAI, as a 429), and a prompt that
# is longer than the account may send (anthropics/claude-code#64982): waiting doesn't help.
_OVER_ITS_LIMIT = re.compile(
    r"request too large for|(?:extra usage is|usage credits are) required for long context",
    re.IGNORECASE,
)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})</title>", re.IGNORECASE)
REQUEST_ID_HEADERS = ("x-request-id", "request-id")
# What OpenAI's and Anthropic's own clients go by before any status.
SHOULD_RETRY = "x-should-retry"


class Refused(Struct, frozen=True):
    """A reply that is no answer, as an attempt's outcome. `transient`: try the same again; `once`:
    a later call may, but its server asks that this one isn't sent again.

    `refusal` is set where the request itself may be what is refused.
    """

    code: str
    detail: str
    transient: bool
    status: int
    retry_after_s: float | None = None
    refusal: Refusal | None = None
    once: bool = False
    billed: Billed = NOT_BILLED  # by a reply that bears an error and was paid for all the same


def judge(
    response: Response, wire: Wire, read: Callable[[JSON], Reply] | None = None
) -> Reply | Refused:
    """The answer in a reply, or why it is none; raises BadReply for what can't be understood.

    `read` takes the answer out of a good reply; without it, the wire's own. A reply made of events
    that nobody asked for is put together first.
    """
    if response.status != 200:
        return _refused(response.status, _refusal(response, wire), response)
    body = response.body
    if not body.startswith(b"{") and (events := _events_in(body)):
        return _judge_events(events, response, wire)
    value = parse_value(body)
    usual = wire.usual(value) if read is None else None
    if usual is not None:
        return usual
    refusal = wire.refusal(value)
    if refusal is not None:
        refused = _refused(refusal.status or 502, refusal, response)
        return replace(refused, billed=usage.billed(value)) if isinstance(value, dict) else refused
    if not isinstance(value, dict):
        raise BadReply("the reply is not a JSON object")
    return (read or wire.read)(value)


def _events_in(body: bytes) -> list[bytes]:
    """The events of a reply that is a stream under another name."""
    if not body[:64].lstrip(b"\xef\xbb\xbf \r\n").startswith((b"data:", b"event:", b": ")):
        return []
    reader = EventReader()
    return [*reader.feed(body), *reader.end()]


def _judge_events(events: list[bytes], response: Response, wire: Wire) -> Reply | Refused:
    listener = wire.listener()
    for event in events:
        if event == DONE:
            continue
        value = parse_value(event)
        refusal = wire.refusal(value)
        if refusal is not None:
            refused = _refused(refusal.status or 502, refusal, response)
            return replace(refused, billed=listener.billed)
        if not isinstance(value, dict):
            raise BadReply("an event is not a JSON object")
        listener.feed(value)
    listener.end(complete=DONE in events)
    return listener.reply()


def _refusal(response: Response, wire: Wire) -> Refusal:
    try:
        said = wire.refusal(parse_value(response.body), good=False)
    except BadReply:
        said = None
    if said is not None:
        return said
    text = response.body[:300].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):  # a proxy's page, or a web server's
        title = _TITLE.search(response.body[:4096])
        text = "" if title is None else title[1].decode("utf-8", "replace").strip()
    return Refusal(text, frozenset())


def _refused(status: int, refusal: Refusal, response: Response) -> Refused:
    detail, codes = refusal.message, refusal.codes
    in_words = status in BILLING_STATUSES and _EMPTY_ACCOUNT.search(detail) is not None
    if status == 402 or in_words or not QUOTA_CODES.isdisjoint(codes):
        return Refused("quota_exhausted", detail, transient=False, status=status)
    if status == 400 and (not KEY_CODES.isdisjoint(codes) or _BAD_KEY.search(detail)):
        return Refused(KEY_REFUSED, detail, transient=False, status=status)
    if 300 <= status < 400:
        detail = "it answers with a redirect, and none is followed"
    asked = retry_after(response.headers)
    too_long = not LASTING_CODES.isdisjoint(codes)
    if status in TRANSIENT_STATUSES:
        transient = status != 429 or _OVER_ITS_LIMIT.search(detail) is None
    else:
        lasting = status == 501 or too_long or _REQUESTS_FAULT.search(detail) is not None
        transient = status >= 500 and not lasting
    return Refused(
        code=f"http_{status}",
        detail=detail,
        transient=transient,
        status=status,
        retry_after_s=bounded(refusal.retry_after_s if asked is None else asked),
        refusal=None if too_long else refusal,
        once=response.headers.get(SHOULD_RETRY, "").strip().lower() == "false",
    )


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's own name for a request, blank if it gives none."""
    for name in REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value:
            return value[:100]
    return ""
