"""The weekly report: our figures, a model's words, and no number that isn't ours."""

import datetime as dt
import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, Provider, ProviderModel
from metrics import partitions, tasks
from metrics.models import GenerationMetric, WeeklyReport
from metrics.recording import record_call
from metrics.reports import weekly_report
from project.environment import mail_server
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = weekly_report.last_week()
NOON = dt.datetime.combine(MONDAY, dt.time(12), dt.UTC)


@pytest.fixture
def calls(transactional_db):
    partitions.keep_ahead(months_back=2)
    for cost in ("1.25", "2.50"):
        record_call(
            a_record(created_at=NOON, model="qwen-32b", cost_usd=Decimal(cost), saved_usd=None),
            TEXTS,
        )
    record_call(
        a_record(
            created_at=NOON, cost_usd=None, error_code="http_429", model="gpt-4o", saved_usd=None
        ),
        TEXTS,
    )


def test_the_figures_are_those_of_the_week(calls):
    figures = weekly_report.figures_of(MONDAY)
    assert (figures["calls"], figures["cost_usd"], figures["unpriced_calls"]) == (3, "3.75", 1)
    assert figures["failed_percent"] == "33.3"
    assert figures["models"][0] == {
        "name": "openrouter/qwen-32b", "calls": 2, "cost_usd": "3.75", "failed_percent": "0.0",
    }  # fmt: skip
    assert figures["errors"] == [{"name": "http_429", "calls": 1}]
    assert figures["change_of_cost_percent"] is None
    json.dumps(figures)


@pytest.mark.parametrize(
    ("text", "strange"),
    [
        ("3 calls cost $3.75; qwen-32b alone 2. gpt-4o and http_429 failed 33.3 %.", []),
        ("Once it was HTTP 429, by GPT-4o.", []),
        ("429 calls failed.", ["429"]),
        ("Spending was about $4.", ["4"]),
        ("1,000 calls", ["1,000"]),
        ("The week of {monday.day}.", []),
        ("3.750 is 3.75, 03 is 3", []),
        ("openrouter's 32 billion", ["32"]),
        ("1.2.3.4", ["1.2.3.4"]),
    ],
)
def test_numbers_that_are_not_ours_are_found(calls, text, strange):
    figures = weekly_report.figures_of(MONDAY)
    assert weekly_report.strange_numbers(text.format(monday=MONDAY), figures) == strange


def test_costs_are_compared_with_the_week_before(calls):
    for days, cost in ((7, "3"), (14, "9")):
        earlier = NOON - dt.timedelta(days=days)
        record_call(a_record(created_at=earlier, cost_usd=Decimal(cost), saved_usd=None), TEXTS)
    figures = weekly_report.figures_of(MONDAY)
    assert figures["week_before"]["cost_usd"] == "3.00"
    assert figures["change_of_cost_percent"] == "+25"
    told = weekly_report.plain(figures)
    assert "3 calls cost $3.75 + 1 unpriced, +25 % against the week before as far as known." in told
    assert "\n1 call (1,165 tokens) without a known price, not counted." in told


def test_without_a_model_the_report_is_plain_and_says_why(calls):
    made = weekly_report.report(MONDAY)
    assert "3 calls cost $3.75" in made.text
    assert made.written_by == ""
    assert "switched off" in made.remark


class Teller(ThreadingHTTPServer):
    """An OpenAI-compatible provider that says what it is told to, and keeps what it was sent."""

    def __init__(self, texts):
        super().__init__(("127.0.0.1", 0), Answers)
        self.texts, self.asked = list(texts), []


class Answers(BaseHTTPRequestHandler):
    server: Teller

    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        message = {"role": "assistant", "content": self.server.texts.pop(0)}
        body = json.dumps(
            {
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Nothing."""


@pytest.fixture
def teller(settings):
    """Start a model for the analytics type that says these texts in turn."""
    settings.LLM_EGRESS_ALLOW = ["127.0.0.1"]
    servers = []

    def start(*texts):
        server = Teller(texts)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        provider = Provider.objects.create(
            name="teller", provider_type="custom", api_key="",
            api_base_url=f"http://127.0.0.1:{server.server_port}/v1",
        )  # fmt: skip
        ProviderModel.objects.create(provider=provider, model_id="narrator")
        LLMConfig.objects.create(pk=1, provider=provider, enabled=True, model_analytics="narrator")
        snapshot.expire()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_model_tells_the_report_from_our_figures_alone(calls, teller):
    server = teller("We spent $3.75 on 3 calls; openrouter/gpt-4o failed once.")
    made = weekly_report.report(MONDAY)
    assert (made.text[:8], made.written_by, made.remark) == ("We spent", "teller/narrator", "")
    system, user = server.asked[0]["messages"]
    assert system["role"] == "system"
    assert json.loads(user["content"]) == made.figures
    call = GenerationMetric.objects.get(service_name="report")
    assert (call.node_type, call.operation_type) == ("analytics", "weekly_report")


def test_a_text_with_another_number_is_written_again(calls, teller):
    server = teller("We spent about $4.", "We spent $3.75.")
    made = weekly_report.report(MONDAY)
    assert made.text == "We spent $3.75."
    assert "numbers that are not among the figures: 4" in server.asked[1]["messages"][-1]["content"]


def test_a_model_that_keeps_inventing_gives_way_to_the_plain_report(calls, teller):
    server = teller('{"cost_usd": "3.75"}', "That is $5 then.")
    made = weekly_report.report(MONDAY)
    assert "That text is no plain text." in server.asked[1]["messages"][-1]["content"]
    assert made.text == weekly_report.plain(made.figures)
    assert made.written_by == ""
    assert made.remark == "narrator has numbers that are not among the figures: 5"


def test_a_report_is_made_once_and_anew_when_asked(calls):
    first = weekly_report.report(MONDAY, narrate=False)
    record_call(a_record(created_at=NOON, saved_usd=None), TEXTS)
    assert weekly_report.report(MONDAY, narrate=False).figures == first.figures
    assert weekly_report.report(MONDAY, narrate=False, anew=True).figures["calls"] == 4
    assert WeeklyReport.objects.count() == 1


def test_it_is_sent_once_to_those_who_are_named(calls, settings):
    made = weekly_report.report(MONDAY, narrate=False)
    assert weekly_report.send(made) is False
    settings.REPORT_EMAIL_TO = ["a@example.org", "b@example.org"]
    tasks.report_last_week()
    tasks.report_last_week()
    (sent,) = mail.outbox
    assert sent.to == ["a@example.org", "b@example.org"]
    assert "3 calls cost $3.75" in sent.body


def test_a_mail_that_fails_is_sent_the_next_time(calls, settings):
    settings.REPORT_EMAIL_TO = ["a@example.org"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    made = weekly_report.report(MONDAY, narrate=False)
    with pytest.raises(OSError, match="refused"):
        weekly_report.send(made)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert weekly_report.send(made) is True


def test_the_command_the_api_and_the_page_show_it(calls):
    out, err = StringIO(), StringIO()
    call_command("llm_report", "--week", str(MONDAY + dt.timedelta(days=3)), "--plain",
                 stdout=out, stderr=err)  # fmt: skip
    assert "3 calls cost $3.75" in out.getvalue()
    for week in ("soon", "2099-01-01"):
        with pytest.raises(CommandError, match="--week"):
            call_command("llm_report", "--week", week)
    (row,) = caller("viewer").get("/api/v1/llm/metrics/reports").json()["results"]
    assert row["figures"]["calls"] == 3
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    assert "$3.75" in client.get(reverse("admin:metrics_weeklyreport_changelist")).content.decode()
    page = reverse("admin:metrics_weeklyreport_change", args=[WeeklyReport.objects.get().pk])
    assert "3 calls cost $3.75" in client.get(page).content.decode()


def test_a_week_without_calls_is_told_too(transactional_db):
    partitions.keep_ahead(months_back=2)
    assert "There were no calls." in weekly_report.report(MONDAY, narrate=False).text


def test_the_mail_server_is_read_from_its_address():
    found = mail_server("smtp+tls://me:s%40crecy@mail.example:587")
    assert (found["EMAIL_HOST"], found["EMAIL_HOST_PASSWORD"]) == ("mail.example", "s@crecy")
    assert found["EMAIL_USE_TLS"] is True
    assert mail_server("") == {}
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        mail_server("mail.example")
