"""Errors as vendors and local servers really send them, whole, inside a 200, and in streams."""

import pytest

from llmconfig import client as llm_client
from llmconfig.client.errors import GenerationExhausted, GenerationRefused
from tests.llmconfig.scripted import asked, chunks, event, scripted_server, streamed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture
def node(server, make_provider, make_node, settings):
    make_provider("p", "custom", model_id="m", api_base_url=f"{server.url}/v1")
    return make_node("p/m")


GOOGLE = "type.googleapis.com/google.rpc"
LATER = {"@type": f"{GOOGLE}.RetryInfo", "retryDelay": "45.837906927s"}
BAD_KEY = {"@type": f"{GOOGLE}.ErrorInfo", "reason": "API_KEY_INVALID"}
# What it is, the status, the body, the outcome, whether it may pass, words that the record has,
# and the seconds to wait.
ERRORS = [
    ("Gemini: a list", 429,
     [{"error": {"code": 429, "message": "Quota of a minute.", "status": "RESOURCE_EXHAUSTED",
                 "details": [LATER]}}], "http_429", True, "Quota of a minute.", 45.837906927),
    ("Gemini: a key that it doesn't know", 400,
     [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
                 "details": [BAD_KEY]}}], "http_401", False, "API key not valid", None),
    ("Gemini: text as message that is JSON", 503,
     {"error": {"message": '{"error": {"code": 503, "message": "Overloaded."}}'}},
     "http_503", True, "Overloaded.", None),
    ("xAI: a key that it doesn't know", 400,
     {"code": "Client specified an invalid argument",
      "error": "Incorrect API key provided: xa***at."}, "http_401", False, "Incorrect API", None),
    ("xAI: no credits", 403,
     {"code": "The caller does not have permission",
      "error": "Your team has either used all available credits or reached its limit."},
     "quota_exhausted", False, "used all available credits", None),
    ("Anthropic: no credits", 400,
     {"type": "error", "error": {"type": "invalid_request_error",
                                 "message": "Your credit balance is too low to go on."}},
     "quota_exhausted", False, "credit balance", None),
    ("DeepSeek: no balance", 402, {"error": {"message": "Insufficient Balance"}},
     "quota_exhausted", False, "Insufficient Balance", None),
    ("Moonshot: no balance", 429,
     {"error": {"type": "exceeded_current_quota_error", "message": "insufficient balance"}},
     "quota_exhausted", False, "insufficient balance", None),
    ("OpenRouter: the upstream's words", 429,
     {"error": {"code": 429, "message": "Provider returned error", "metadata": {
         "provider_name": "Chutes", "raw": '{"detail": "Too many dogs at once"}'}}},
     "http_429", True, "(Chutes): Too many dogs at once", None),
    ("OpenRouter: the upstream's words as text", 502,
     {"error": {"code": 502, "message": "Provider returned error",
                "metadata": {"raw": "upstream is asleep"}}},
     "http_502", True, "upstream is asleep", None),
    ("Groq: a wait in words", 429,
     {"error": {"message": "Rate limit reached. Please try again in 1m2.5s.",
                "code": "rate_limit_exceeded"}}, "http_429", True, "Rate limit", 62.5),
    ("Mistral: nothing around it", 422,
     {"object": "error", "message": {"detail": [{"loc": ["body", "top_p"], "msg": "too big"}]},
      "type": "invalid_request_error"}, "http_422", False, "body.top_p: too big", None),
    ("FastAPI", 422, {"detail": [{"loc": ["body", "model"], "msg": "field required"}]},
     "http_422", False, "body.model: field required", None),
    ("LM Studio, Ollama: a text", 404, {"error": "model 'm' not found"},
     "http_404", False, "model 'm' not found", None),
    ("llama.cpp: too long a prompt as 500", 500,
     {"error": {"code": 500, "message": "exceeds the context", "n_ctx": 256,
                "type": "exceed_context_size_error"}},
     "http_500", False, "exceeds the context", None),
    ("plain text", 503, b"no healthy upstream", "http_503", True, "no healthy upstream", None),
    ("a text in JSON", 503, "slow down", "http_503", True, "slow down", None),
    ("Anthropic: the limit that its owner set", 400,
     {"type": "error", "error": {"type": "invalid_request_error", "message":
      "You have reached your specified API usage limits. You will regain access on 2026-12-01."}},
     "quota_exhausted", False, "usage limits", None),
    ("Anthropic: no credits for a long prompt", 429,
     {"type": "error", "error": {"type": "rate_limit_error", "message":
      "Usage credits are required for long context requests."}},
     "http_429", False, "long context", None),
    ("Gemini: a spending cap", 429,
     [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
                 "message": "Your project has exceeded its monthly spending cap."}}],
     "quota_exhausted", False, "spending cap", None),
    ("Gemini: prepaid credits", 429,
     [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
                 "message": "Your prepayment credits are depleted."}}],
     "quota_exhausted", False, "depleted", None),
    ("xAI: never any credits", 403,
     {"code": "The caller does not have permission",
      "error": "Your newly created team doesn't have any credits yet."},
     "quota_exhausted", False, "any credits", None),
    ("Fireworks: suspended", 412,
     {"error": {"code": "PRECONDITION_FAILED", "message":
      "Account a is suspended, possibly due to reaching the monthly spending limit."}},
     "quota_exhausted", False, "suspended", None),
    ("Moonshot: suspended", 429,
     {"error": {"type": "exceeded_current_quota_error", "message": "Your account is suspended."}},
     "quota_exhausted", False, "suspended", None),
    ("Alibaba: in arrears", 400,
     {"error": {"code": "Arrearage", "type": "Arrearage", "message": "Access denied."}},
     "quota_exhausted", False, "Access denied", None),
    ("Cloudflare: the day's free share", 429,
     {"success": False, "errors": [{"code": 4006, "message":
      "you have used up your daily free allocation of 10,000 neurons"}]},
     "quota_exhausted", False, "daily free allocation", None),
    ("OpenAI: one request over a minute's limit", 429,
     {"error": {"code": "rate_limit_exceeded", "message":
      "Request too large for gpt-4o on tokens per min: Limit 30000, Requested 200000."}},
     "http_429", False, "Request too large", None),
    ("Groq: no room at flex", 498, {"error": {"code": "capacity_exceeded", "message": "Full."}},
     "http_498", True, "Full.", None),
    ("llama.cpp: the context is full", 500,
     {"error": {"code": 500, "message": "Context size has been exceeded."}},
     "http_500", False, "Context size", None),
    ("a web server's page", 502, b"<html><head><title> 502 Bad Gateway\n</title></head></html>",
     "http_502", True, "502 Bad Gateway", None),
    ("a page without a title", 502, b"<html>No.</html>", "http_502", True, "", None),
    # In a reply that says 200
    ("200: the status as a number", 200, {"error": {"code": 429, "message": "Slow down."}},
     "http_429", True, "Slow down.", None),
    ("200: the status as text", 200, {"error": {"code": "400", "message": "Bad."}},
     "http_400", False, "Bad.", None),
    ("200: status", 200, {"error": {"status": 400, "code": "content_filter", "message": "No."}},
     "http_400", False, "No.", None),
    ("200: status_code", 200, {"error": {"status_code": 503, "message": "Busy."}},
     "http_503", True, "Busy.", None),
    ("200: a name alone", 200, {"type": "error", "error": {"type": "overloaded_error",
                                                            "message": "Overloaded"}},
     "http_529", True, "Overloaded", None),
    ("200: the error is a number", 200, {"error": 503}, "http_503", True, "503", None),
    ("200: the error is a text", 200, {"error": "out of memory"},
     "http_502", True, "out of memory", None),
    ("200: nothing around it", 200, {"code": 400, "msg": "bad request"},
     "http_400", False, "bad request", None),
    ("200: MiniMax", 200, {"choices": None, "base_resp": {"status_code": 1004,
                                                          "status_msg": "login fail"}},
     "http_401", False, "login fail", None),
    ("200: MiniMax at its limit", 200,
     {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
     "http_429", True, "rate limit", None),
    ("200: MiniMax without balance", 200,
     {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
     "quota_exhausted", False, "insufficient balance", None),
    ("AWS", 400, {"__type": "com.amazon.coral.validate#ValidationException",
                  "Message": "Too many dogs."}, "http_400", False, "Too many dogs.", None),
    ("200: AWS, a name alone", 200, {"error": {"__type": "aws#ThrottlingException",
                                               "message": "Too many tokens."}},
     "http_429", True, "Too many tokens.", None),
    ("200: in the choice", 200,
     {"choices": [{"finish_reason": "error", "message": {"content": ""},
                   "error": {"code": 502, "message": "Upstream broke."}}]},
     "http_502", True, "Upstream broke.", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "outcome", "transient", "words", "wait_s"),
    [each[1:] for each in ERRORS],
    ids=[each[0] for each in ERRORS],
)
def test_an_error_is_understood_in_its_vendors_form(
    server, node, ask, settings, status, body, outcome, transient, words, wait_s
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_ATTEMPTS": 2}
    server.tell(body, status=status)
    error = asked(ask())
    assert isinstance(error, GenerationExhausted if transient else GenerationRefused)
    first = error.record.attempts[0]
    assert (first.outcome, first.retry_after_s) == (outcome, wait_s)
    assert words in first.detail
    asked_again = transient and (wait_s is None or wait_s < 1)
    assert server.requests == (2 if asked_again else 1)


IN_STREAMS = [
    ("llama.cpp of 2025: a field of its own", b'error: {"code":400,"message":"too long"}\n\n',
     "http_400", "too long"),
    ("Gemini: a list", event([{"error": {"code": 429, "message": "Quota."}}]),
     "http_429", "Quota."),
    ("Groq: status_code", event({"error": {"message": "Bad tool.", "status_code": 400}}),
     "http_400", "Bad tool."),
    ("an event named error", b"event: error\ndata: upstream timed out\n\n",
     "http_502", "upstream timed out"),
    ("Anthropic", b"event: error\n" + event({"type": "error", "error": {
        "type": "overloaded_error", "message": "Overloaded"}}), "http_529", "Overloaded"),
    ("Alibaba: an event named error with a code in words", b"event: error\n" + event(
        {"code": "Throttling.RateQuota", "message": "Too fast."}), "http_429", "Too fast."),
    ("OpenRouter: in a choice", event({"error": {"code": 502, "message": "Gone."}, "choices": [
        {"delta": {"content": ""}, "finish_reason": "error"}]}), "http_502", "Gone."),
    ("words that are no JSON", b"data: Internal Server Error\n\n", "bad_reply",
     "Internal Server Error"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "outcome", "words"), [each[1:] for each in IN_STREAMS],
    ids=[each[0] for each in IN_STREAMS],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, 1], ids=["first", "after text"])
def test_an_error_in_a_stream_ends_it_with_its_reason(
    server, node, ask, settings, said, outcome, words, before
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_ATTEMPTS": 1}
    server.tell(b"", [*chunks({"content": "Re"})[:before], said])
    pieces, error = streamed(ask())
    assert [each.text for each in pieces] == ["Re"][:before]
    attempt = error.record.attempts[-1]
    assert attempt.outcome == outcome
    assert words in attempt.detail


@pytest.mark.parametrize(
    "body",
    [each[2] for each in ERRORS if each[3] in {"quota_exhausted", "http_401"} and each[1] == 400],
)
def test_the_operators_account_and_key_are_nobody_elses_fault(server, node, body):
    from openai import APIStatusError  # noqa: PLC0415 - slow to import

    server.tell(body, status=400)
    with pytest.raises(APIStatusError) as raised:
        llm_client.get_llm("tag_rows").openai().chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}]
        )
    assert raised.value.status_code == 502
    assert "key" not in raised.value.message.lower()
    assert "credit" not in raised.value.message.lower()


@pytest.mark.parametrize(
    ("said", "status", "requests"),
    [("false", 503, 1), (" False", 429, 1), ("true", 503, 2), ("", 503, 2)],
)
def test_a_request_is_not_sent_again_where_its_server_asks_for_that(
    server, node, ask, settings, said, status, requests
):
    """A later call may fare better all the same: rows of a batch aren't given up for it."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_RETRY_MAX_ATTEMPTS": 2}
    server.tell({"error": {"message": "Not now."}}, status=status, X_Should_Retry=said)
    error = asked(ask())
    assert isinstance(error, GenerationExhausted)
    assert server.requests == requests


def test_a_request_over_a_minutes_limit_is_its_callers_mistake(server, node):
    """As a 429 with `Retry-After` its client would send it again and again."""
    from openai import BadRequestError  # noqa: PLC0415 - slow to import

    server.tell(
        {"error": {"message": "Request too large for m: Limit 9, Requested 99."}}, status=429
    )
    with pytest.raises(BadRequestError, match="Request too large for m"):
        llm_client.get_llm("tag_rows").openai().chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}]
        )
    assert server.requests == 1
