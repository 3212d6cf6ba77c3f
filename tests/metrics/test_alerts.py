"""Alerts: the right message, once, to whom a rule names; a dead receiver harms nobody else."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from enrichment.models import Batch, BatchChunk, BatchStatus, ChunkStatus, EnrichmentResult
from llmconfig import client
from llmconfig.client.errors import GenerationExhausted
from llmconfig.client.traffic import budget_ledger, cooldown
from llmconfig.client.types import Attempt, Call, Message
from llmconfig.configuration import rotation, snapshot
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    Budget,
    BudgetSpending,
    GatewayKey,
    LLMConfig,
    Provider,
    ProviderModel,
)
from llmconfig.roles import group_name
from llmconfig.secrets import Secret
from metrics import partitions, tasks
from metrics.alerts import events, provider_health, sending, watching
from metrics.alerts.provider_health import RecentRequests, verdict
from metrics.models import AlertDelivery, AlertRule, ProviderHealth, ProviderState
from metrics.recording import record_call
from tests.api import caller
from tests.loopback import answered, loopback
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db(transaction=True)
SIGNING = base64.b64encode(b"thirty-two bytes that sign alert").decode()
SLACK_PATH = "/services/T0SECRET/B0SECRET/secretsecretsecret"
NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.LLM_EGRESS_ALLOW = ["127.0.0.1"]


def a_rule(event="batch_paused", **fields):
    secret = fields.pop("secret", "")
    rule = AlertRule(
        **{"name": f"rule {uuid4().hex[:6]}", "event": event, "channel": "email"}
        | {"recipients": "ada@example.com, grace@example.com", "window_minutes": 60}
        | fields
    )
    rule.set_secret(Secret(secret))
    rule.save()
    return rule


def a_webhook(url, **fields):
    return a_rule(channel="webhook", recipients="", webhook_url=url, secret=SIGNING, **fields)


def tell():
    tasks.watch_for_alerts()
    tasks.send_alerts()


def subjects():
    return [message.subject for message in mail.outbox]


def call(provider, outcome, *, seconds_ago=1.0):
    when = timezone.now() - dt.timedelta(seconds=seconds_ago)
    detail = "" if outcome == "ok" else "127.0.0.1:9: Connection refused"
    attempt = Attempt(provider=provider, model="m", outcome=outcome, latency_ms=1, detail=detail)
    code = "" if outcome == "ok" else outcome
    record_call(
        a_record(created_at=when, latency_ms=1.0, error_code=code, attempts=(attempt,)), TEXTS
    )


def a_batch(status=BatchStatus.PAUSED, **fields):
    return Batch.objects.create(
        enrichment="description_cleaning", status=status, rows_total=12, **fields
    )


def paused(reason="Its cap of $5 is spent."):
    return a_batch(status_reason=reason)


def ended(failed=0, **fields):
    batch = a_batch(BatchStatus.COMPLETED, finished_at=timezone.now(), **fields)
    BatchChunk.objects.create(
        batch=batch, row_ids=[], status=ChunkStatus.DONE, rows_done=12 - failed, rows_failed=failed
    )
    return batch


def spend(amount, budget=None):
    budget = budget or Budget.objects.create(name="team", hard_limit_usd=100)
    BudgetSpending.objects.update_or_create(
        budget=budget,
        period_start=budget_ledger.period_start(budget.period),
        defaults={"spent_usd": Decimal(amount)},
    )
    return budget


def expiring_key():
    soon = timezone.now() + dt.timedelta(days=3)
    GatewayKey.objects.create(
        name="crm", key_hash="0" * 64, allows_everything=True, expires_at=soon
    )


def retiring_model():
    provider = Provider.objects.create(name="openai", provider_type="openai")
    ProviderModel.objects.create(
        provider=provider, model_id="gpt-4o", retires_at=timezone.now() + dt.timedelta(days=30)
    )


def failing_provider():
    Provider.objects.create(name="openai", provider_type="openai")
    for _ in range(6):
        call("openai", "connection")


def dear_day():
    for days, cost in ((0, 9), (2, 1), (3, 1), (4, 1)):
        when = timezone.now() - dt.timedelta(days=days)
        record_call(a_record(created_at=when, cost_usd=Decimal(cost)), TEXTS)


HAPPENINGS = {
    "cost_spike": (dear_day, "everything", "Spending is 9.0 times the usual"),
    "provider_outage": (failing_provider, "openai", "openai is failing"),
    "budget": (lambda: spend(85), "team", "Budget team: 80 % is spent"),
    "batch_paused": (paused, "description_cleaning", r"Batch .* is paused"),
    "batch_failed": (lambda: ended(2), "description_cleaning", r"Batch .* ended, and 2 rows"),
    "batch_completed": (ended, "description_cleaning", r"Batch .* is completed"),
    "key_expiring": (expiring_key, "crm", "API key crm expires"),
    "model_retiring": (retiring_model, "openai/gpt-4o", "openai/gpt-4o retires on"),
}


@pytest.mark.parametrize("event", HAPPENINGS)
def test_each_event_is_told_once_and_only_by_the_rules_that_are_about_it(event):
    happen, subject, title = HAPPENINGS[event]
    told = a_rule(event, subject=subject)
    for other in (a_rule(event, subject="another"), a_rule(event, is_enabled=False)):
        assert other.deliveries.count() == 0
    a_rule(next(each for each in HAPPENINGS if each not in {event, "batch_paused"}), subject="none")
    happen()
    for _ in range(3):
        tell()
    assert len(mail.outbox) == 1, subjects()
    message = mail.outbox[0]
    assert re.search(title, str(message.subject))
    assert message.to == ["ada@example.com", "grace@example.com"]
    assert told.name in message.body
    assert AlertDelivery.objects.get().status == "sent"


def test_every_kind_that_can_be_found_here_has_a_happening_or_a_test_of_its_own():
    assert {slug for slug, _ in events.choices()} == {*HAPPENINGS, "partitions", "review_waiting"}


VERDICTS = [
    ("all answered", RecentRequests(30, 0, 20, 0, 5, NOW), False, "answering"),
    ("nobody asked it", RecentRequests(), False, "unknown"),
    ("two failures say nothing", RecentRequests(2, 2, 2, 2, 0), False, "unknown"),
    ("half of the latest failed", RecentRequests(40, 10, 20, 10, 3, NOW), False, "failing"),
    ("fewer than half failed", RecentRequests(40, 9, 20, 9, 3, NOW), False, "unknown"),
    ("the newest five were answered", RecentRequests(40, 15, 20, 15, 5, NOW), False, "answering"),
    ("one call, answered", RecentRequests(1, 0, 1, 0, 1, NOW), False, "answering"),
    ("all of it cools down", RecentRequests(), True, "failing"),
    ("a model of it cools down", RecentRequests(40, 5, 20, 5, 5, NOW), True, "answering"),
]


@pytest.mark.parametrize(
    ("seen", "is_cooling", "state"), [line[1:] for line in VERDICTS], ids=[v[0] for v in VERDICTS]
)
def test_a_provider_is_judged_by_its_latest_requests_and_what_cools_down(seen, is_cooling, state):
    assert verdict(seen, is_cooling=is_cooling, now=NOW) == ProviderState(state)


@pytest.mark.parametrize("fault", ["timeout", "http_503", "http_401", "quota_exhausted"])
def test_an_outage_and_its_end_are_told_once_each(fault):
    a_rule("provider_outage")
    Provider.objects.create(name="openai", provider_type="openai")
    Provider.objects.create(name="local", provider_type="local")
    for ago in range(10, 16):
        call("openai", fault, seconds_ago=ago)
        call("local", "ok", seconds_ago=ago)
    tell()
    tell()
    assert subjects() == ["[Nodewise] openai is failing"]
    assert f"6 of its 6 requests in the last 15 minutes failed. The last failure: {fault}: " in (
        mail.outbox[0].body
    )
    for ago in range(5):
        call("openai", "ok", seconds_ago=ago)
    tell()
    tell()
    assert subjects()[1:] == ["[Nodewise] openai answers again"]
    health = ProviderHealth.objects.get(provider="openai")
    assert (health.state, health.requests, health.errors) == ("answering", 11, 6)


@pytest.mark.parametrize("outcome", ["http_400", "http_429", "limited", "cooling", "cached"])
def test_what_is_not_the_providers_fault_is_no_outage(outcome):
    Provider.objects.create(name="openai", provider_type="openai")
    for _ in range(8):
        call("openai", outcome)
    provider_health.refresh()
    health = ProviderHealth.objects.get()
    assert (health.state, health.requests, health.errors) == ("unknown", 0, 0)


def test_a_target_that_all_processes_leave_alone_is_an_outage_before_any_call_has_ended():
    Provider.objects.create(name="openai", provider_type="openai")
    ends = timezone.now() + dt.timedelta(seconds=30)
    until = int(ends.timestamp() * 1000)
    why = "5 failures in a row, the last one connection"
    Redis.from_url(settings.REDIS_URL).hset(
        cooldown.KEY, "openai/org/gpt-4o https://api.openai.com/v1", f"{until} {why}"
    )
    a_rule("provider_outage")
    tell()
    assert subjects() == ["[Nodewise] openai is failing"]
    assert f"The last failure: org/gpt-4o: {why}" in mail.outbox[0].body
    cooling_until = ProviderHealth.objects.get().cooling_until
    assert cooling_until > ends - dt.timedelta(seconds=1)
    assert cooling_until <= timezone.now() + dt.timedelta(seconds=31)


def test_a_provider_that_is_gone_or_off_has_no_health():
    provider = Provider.objects.create(name="openai", provider_type="openai")
    provider_health.refresh()
    assert ProviderHealth.objects.count() == 1
    Provider.objects.filter(pk=provider.pk).update(is_enabled=False)
    provider_health.refresh()
    assert ProviderHealth.objects.count() == 0


def test_the_same_is_told_again_only_after_its_window():
    rule = a_rule(window_minutes=30)
    batch = paused()
    tell()
    # Resumed and paused again: another pause of the same batch, within the window.
    Batch.objects.filter(pk=batch.pk).update(resumed_at=timezone.now())
    tell()
    assert len(mail.outbox) == 1
    rule.deliveries.update(created_at=timezone.now() - dt.timedelta(minutes=29))
    tell()
    assert len(mail.outbox) == 1
    rule.deliveries.update(created_at=timezone.now() - dt.timedelta(minutes=31))
    tell()
    tell()
    assert len(mail.outbox) == 2
    paused()  # another batch is not the same
    tell()
    assert len(mail.outbox) == 3


def test_each_threshold_of_a_budget_is_told_once_in_its_period():
    a_rule("budget", window_minutes=1)
    budget = spend("49.99")
    for amount in ("49.99", "50", "79", "99.99", "100", "101"):
        spend(amount, budget)
        tell()
        AlertDelivery.objects.update(created_at=timezone.now() - dt.timedelta(minutes=5))
        tell()
    assert [re.search(r"(\d+) %", each)[1] for each in subjects()] == ["50", "80", "100"]


def test_two_timers_at_once_tell_once():
    rule = a_rule()
    paused()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(in_own_connection, watching.watch) for _ in range(4)]:
            done.result(30)
    assert rule.deliveries.count() == 1
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(in_own_connection, sending.send_due) for _ in range(4)]
        assert sorted(each.result(30) for each in sent) == [0, 0, 0, 1]
    assert len(mail.outbox) == 1


def in_own_connection(function):
    try:
        return function()
    finally:
        connection.close()


def test_what_ended_before_a_rule_was_enabled_is_not_told_and_neither_is_what_a_person_paused():
    ended()
    ended(3)
    paused("Paused by a person.")
    for event in ("batch_completed", "batch_failed", "batch_paused"):
        a_rule(event)
    tell()
    assert subjects() == []


def test_months_that_run_out_are_told(transactional_db):
    a_rule("partitions")
    tell()
    assert subjects() == []
    with connection.cursor() as cursor, transaction.atomic():
        names = [each.name for each in partitions.existing(cursor, "llm_generation_history")]
        for name in names[-12:]:
            cursor.execute(f'ALTER TABLE llm_generation_history DETACH PARTITION "{name}"')
            cursor.execute(f'DROP TABLE "{name}"')
    try:
        tell()
    finally:
        partitions.keep_ahead()
    assert subjects() == ["[Nodewise] llm_generation_history is running out of months"]


def test_suggestions_that_wait_are_told_once_a_day():
    rule = a_rule("review_waiting", window_minutes=1)
    for number in range(2):
        EnrichmentResult.objects.create(
            enrichment="description_cleaning",
            target="listings.Animal",
            row_id=str(number),
            state="suggested",
            input_hash="x",
        )
    tell()
    rule.deliveries.update(created_at=timezone.now() - dt.timedelta(minutes=5))
    tell()
    assert subjects() == ["[Nodewise] 2 suggestions wait for review: description_cleaning"]


def test_a_webhook_is_signed_as_the_standard_says():
    bodies: list[bytes] = []
    with loopback(lambda _: (200, {}), reads=bodies.append) as receiver:
        rule = a_webhook(receiver.url, subject="description_cleaning")
        batch = paused()
        tell()
    delivery = rule.deliveries.get()
    assert (delivery.status, delivery.attempts, delivery.error) == ("sent", 1, "")
    (body,), (headers,) = bodies, receiver.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(SIGNING), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert headers["webhook-id"] == str(delivery.pk)
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 30
    assert json.loads(body) == {
        "type": "nodewise.batch_paused",
        "timestamp": delivery.created_at.isoformat(),
        "data": {
            "rule": rule.name,
            "subject": "description_cleaning",
            "level": str(batch.pk),
            "title": f"Batch {batch} is paused",
            "text": delivery.text,
            "is_test": False,
        },
    }


def test_a_secret_that_cannot_sign_is_told_with_the_way_out():
    """By SQL, or stored before there were bounds: forms refuse it."""
    rule = a_rule(
        channel="webhook", recipients="", webhook_url="http://127.0.0.1:9/", secret="not base64!"
    )
    paused()
    tell()
    error = rule.deliveries.get().error
    assert "signing secret can't sign" in error
    assert "openssl rand -base64 32" in error
    assert "not base64!" not in error


def test_slack_gets_text_without_markup_of_ours():
    with loopback(lambda _: (200, {"ok": True})) as slack:
        a_rule(channel="slack", recipients="", secret=f"{slack.url}{SLACK_PATH}")
        paused("<!channel> & more")
        tell()
    assert slack.paths == [f"/v1{SLACK_PATH}"]
    text = slack.bodies[0]["text"]
    assert text.startswith("*Batch description_cleaning ")
    assert "&lt;!channel&gt; &amp; more" in text


@pytest.fixture
def dead_port():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


def test_a_dead_receiver_loses_nothing_and_holds_nobody_up(dead_port, settings):
    """One refuses, one hangs, one answers and the mail goes: side by side, each once."""
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_ALERT_TIMEOUT_SECONDS": 1.0}
    with socket.create_server(("127.0.0.1", 0)) as hangs, loopback(lambda _: (200, {})) as alive:
        refusing = a_webhook(f"http://127.0.0.1:{dead_port}/hook")
        hanging = a_webhook(f"http://127.0.0.1:{hangs.getsockname()[1]}/hook")
        answering, mailed = a_webhook(alive.url), a_rule()
        paused()
        began = timezone.now()
        tell()
        took = timezone.now() - began
        tell()  # not due yet
    assert took.total_seconds() < 30
    for rule, error in (
        (refusing, f"127.0.0.1:{dead_port}: "),
        (hanging, "no whole reply within 1 s"),
    ):
        delivery = rule.deliveries.get()
        assert (delivery.status, delivery.attempts) == ("waiting", 1)
        assert error in delivery.error
        assert (delivery.next_attempt_at - began).total_seconds() > 20
        assert (delivery.next_attempt_at - timezone.now()).total_seconds() <= 30
    assert len(alive.bodies) == len(mail.outbox) == 1
    assert {answering.deliveries.get().status, mailed.deliveries.get().status} == {"sent"}


def test_a_receiver_that_comes_back_gets_it_and_one_that_never_does_is_given_up():
    replies = iter([(503, {"error": "busy"}), (500, {}), (200, {})])
    with loopback(lambda _: next(replies)) as receiver:
        rule = a_webhook(receiver.url)
        paused()
        tell()
        assert rule.deliveries.get().error == 'HTTP 503. {"error": "busy"}'
        pauses = []
        for _ in range(3):
            delivery = rule.deliveries.get()
            pauses.append(round((delivery.next_attempt_at - timezone.now()).total_seconds()))
            rule.deliveries.update(next_attempt_at=timezone.now())
            tell()
    delivery = rule.deliveries.get()
    assert (delivery.status, delivery.attempts, delivery.error) == ("sent", 3, "")
    assert pauses[:2] == [30, 120]
    assert len({each["webhook-id"] for each in receiver.headers}) == 1
    rule.deliveries.update(status="waiting", attempts=5, next_attempt_at=timezone.now())
    tell()  # nobody listens any more
    assert (rule.deliveries.get().status, rule.deliveries.get().attempts) == ("failed", 6)
    rule.deliveries.update(next_attempt_at=timezone.now())
    tell()
    assert rule.deliveries.get().attempts == 6
    client = signed_in("administrator")
    client.post(
        reverse("admin:metrics_alertdelivery_changelist"),
        {"action": "send_again", "_selected_action": [str(delivery.pk)]},
    )
    assert (rule.deliveries.get().status, rule.deliveries.get().attempts) == ("waiting", 0)


def test_an_address_that_is_not_public_is_refused_unless_it_is_allowed(settings):
    settings.LLM_EGRESS_ALLOW = []
    with loopback(lambda _: (200, {})) as receiver:
        rule = a_webhook(receiver.url)
        paused()
        tell()
    assert receiver.bodies == []
    assert "is not one that alerts may go to (LLM_EGRESS_ALLOW)" in rule.deliveries.get().error


def signed_in(role):
    user = User.objects.create(username=role, is_staff=True)
    user.groups.add(Group.objects.get(name=group_name(role)))
    client = Client()
    client.force_login(user)
    return client


FORM = {
    "name": "Night shift", "is_enabled": "on", "event": "budget", "subject": "",
    "window_minutes": "60", "channel": "email", "recipients": "ada@example.com",
    "webhook_url": "", "signing_secret": "", "slack_address": "",
}  # fmt: skip
SLACK = {"channel": "slack", "recipients": "", "slack_address": "https://hooks.slack.com/s/T/B/x"}
WEBHOOK = {
    "channel": "webhook", "recipients": "", "webhook_url": "https://hooks.example.com/a",
    "signing_secret": SIGNING,
}  # fmt: skip
REFUSED = [
    ({"recipients": ""}, "recipients", "Enter at least one e-mail address."),
    ({"recipients": "ada@example.com, nobody"}, "recipients", "nobody is not an e-mail address."),
    ({"webhook_url": "https://a.example.com"}, "webhook_url", "Only for Webhook, signed"),
    ({**WEBHOOK, "webhook_url": "ftp://a.example.com/"}, "webhook_url", "Enter a whole address"),
    ({**WEBHOOK, "signing_secret": ""}, "signing_secret", "random bytes in base64"),
    ({**WEBHOOK, "signing_secret": "c2hvcnQ="}, "signing_secret", "Enter 24 to 64 random bytes"),
    ({**SLACK, "slack_address": ""}, "slack_address", "Enter a whole address"),
    ({**SLACK, "slack_address": "hooks"}, "slack_address", "Enter a whole address"),
    ({"window_minutes": "0"}, "window_minutes", "greater than or equal to 1"),
    ({"event": "weather"}, "event", "weather is not one of the available choices"),
]


@pytest.mark.parametrize(("changed", "field", "reason"), REFUSED)
def test_a_rule_that_could_tell_nobody_is_refused_with_the_field_and_the_way_out(
    changed, field, reason
):
    page = signed_in("administrator").post(
        reverse("admin:metrics_alertrule_add"), {**FORM, **changed}
    )
    assert page.status_code == 200
    assert reason in str(page.context["adminform"].form.errors[field])
    assert AlertRule.objects.count() == 0


@pytest.mark.parametrize("changed", [{}, SLACK, WEBHOOK])
def test_a_rule_is_made_in_the_admin_keeps_its_secret_and_shows_it_nowhere(changed):
    client = signed_in("administrator")
    secret = changed.get("slack_address") or changed.get("signing_secret") or "none of this"
    page = client.post(reverse("admin:metrics_alertrule_add"), {**FORM, **changed})
    rule = AlertRule.objects.get()
    assert page.url == reverse("admin:metrics_alertrule_change", args=[rule.pk])
    assert secret not in rule.secret
    again = {**FORM, **changed, "name": "Renamed", "signing_secret": "", "slack_address": ""}
    assert client.post(page.url, again).status_code == 302
    rule.refresh_from_db()
    assert rule.name == "Renamed"
    assert (rule.read_secret().reveal() if changed else rule.read_secret()) == (
        secret if changed else None
    )
    for shown in (
        page.url,
        reverse("admin:metrics_alertrule_changelist"),
        reverse("admin:metrics_alertdelivery_changelist"),
        reverse("admin:metrics_alertrule_history", args=[rule.pk]),
    ):
        for reader in (client, signed_in("viewer")) if shown == page.url else (client,):
            text = reader.get(shown).content.decode()
            assert secret not in text
            assert not rule.secret or rule.secret not in text
    if changed:  # the secret of one channel is none for another
        other = {**FORM, **(WEBHOOK if changed is SLACK else SLACK)}
        assert client.post(page.url, {**other, "signing_secret": "", "slack_address": ""}
        ).status_code == 200  # fmt: skip
        assert client.post(page.url, FORM).status_code == 302
        rule.refresh_from_db()
        assert rule.secret == ""


@pytest.mark.parametrize("answers", [True, False])
def test_a_test_is_sent_at_once_and_says_what_became_of_it(answers):
    secret_in_reply = {"no such hook": SLACK_PATH}
    with loopback(lambda _: (200, {}) if answers else (404, secret_in_reply)) as slack:
        rule = a_rule(channel="slack", recipients="", secret=f"{slack.url}{SLACK_PATH}")
        address = reverse("admin:metrics_alertrule_test", args=[rule.pk])
        assert signed_in("viewer").post(address).status_code == 403
        assert slack.bodies == []
        page = signed_in("operator").post(address, follow=True)
        tasks.send_alerts()  # has nothing to repeat
    assert len(slack.bodies) == 1
    assert "This is a test" in slack.bodies[0]["text"]
    delivery = rule.deliveries.get()
    (message,) = page.context["messages"]
    if answers:
        assert (delivery.status, str(message)) == ("sent", "The test was delivered.")
    else:
        assert delivery.status == "failed"
        assert str(message).startswith("The test was not delivered: HTTP 404. ")
        assert "SECRET" not in delivery.error
        assert "secretsecret" not in page.content.decode()


def test_secrets_of_rules_are_rewritten_with_the_newest_field_key(settings):
    rule = a_rule(channel="slack", recipients="", secret=f"https://x{SLACK_PATH}")
    old = settings.LLM_FIELD_KEYS
    settings.LLM_FIELD_KEYS = (Fernet.generate_key().decode(), *old)
    assert rotation.left() == 1
    assert rotation.rotate().rewritten == 1
    settings.LLM_FIELD_KEYS = settings.LLM_FIELD_KEYS[:1]
    rule.refresh_from_db()
    assert rule.read_secret().reveal() == f"https://x{SLACK_PATH}"


def test_messages_are_kept_for_90_days():
    rule = a_rule()
    paused()
    tell()
    for days, left in ((89, 1), (91, 0)):
        rule.deliveries.update(created_at=timezone.now() - dt.timedelta(days=days))
        tasks.drop_expired_months()
        assert rule.deliveries.count() == left


HEALTH = [
    ("ok", 0, "answering", "6 requests in the last 15 minutes, 0 failed"),
    ("connection", 30, "failing", "6 failed because of the provider; cooling until"),
    ("http_429", 0, "no calls yet", "0 requests in the last 15 minutes"),
]


@pytest.mark.parametrize(("outcome", "cooling", "state", "words"), HEALTH)
def test_a_providers_health_stands_in_the_list_on_its_page_and_in_the_settings(
    outcome, cooling, state, words
):
    provider = Provider.objects.create(name="openai", provider_type="openai")
    client = signed_in("viewer")
    listed = reverse("admin:llmconfig_provider_changelist")
    page = reverse("admin:llmconfig_provider_change", args=[provider.pk])
    tab = f"{reverse('admin:llm_settings')}?tab=providers"
    for address in (listed, tab, page):
        assert ">not watched</span>" in client.get(address).content.decode()
    if cooling:
        until = int((timezone.now().timestamp() + cooling) * 1000)
        Redis.from_url(settings.REDIS_URL).hset(cooldown.KEY, "openai/m https://x", f"{until} why")
    for _ in range(6):
        call("openai", outcome)
    provider_health.refresh()
    for address in (listed, tab, page):
        text = client.get(address).content.decode()
        assert f">{state}</span>" in text
        assert ("cooling until" in text) == bool(cooling)
    assert words in " ".join(text.split())
    overview = client.get(reverse("admin:index"))
    assert ("Providers that fail" in overview.content.decode()) == bool(cooling)
    (entry,) = [
        each
        for group in overview.context["sidebar_navigation"]
        for each in group["items"]
        if each["link"] == listed
    ]
    assert entry["badge"] == (1 if cooling else 0)
    for address in (listed, tab):
        assert ("6 of 6 failed in 15 min" in client.get(address).content.decode()) == bool(cooling)
    ProviderHealth.objects.update(checked_at=timezone.now() - dt.timedelta(minutes=6))
    assert ">not watched</span>" in client.get(listed).content.decode()


def test_a_rule_for_an_event_that_nobody_knows_is_refused_with_the_known_ones():
    rule = a_rule("budget")
    rule.event = "budgets"
    for save in (rule.save, lambda: a_rule("budgets")):
        with pytest.raises(
            ChangeRefused, match=r"no event 'budgets'.*budget, cost_spike"
        ) as refused:
            save()
        assert refused.value.field == "event"
    rule.save(update_fields=["secret"])  # as the rotation of keys does
    assert AlertRule.objects.get().event == "budget"


def test_the_api_lists_rules_without_secrets_and_their_messages():
    rule = a_rule(channel="slack", recipients="", secret=f"http://127.0.0.1:9{SLACK_PATH}")
    paused()
    tell()
    rules = caller("viewer").get("/api/v1/llm/metrics/alerts/rules")
    (shown,) = rules.json()["results"]
    assert (shown["name"], shown["channel"]) == (rule.name, "slack")
    assert "secret" not in rules.content.decode().lower()
    answer = caller("viewer").get("/api/v1/llm/metrics/alerts/deliveries", {"status": "waiting"})
    (message,) = answer.json()["results"]
    assert (message["rule"], message["attempts"], message["status"]) == (rule.name, 1, "waiting")
    assert message["error"].startswith("127.0.0.1:9: ")
    sent = caller("viewer").get("/api/v1/llm/metrics/alerts/deliveries", {"status": "sent"})
    assert sent.json()["results"] == []


def test_real_calls_of_a_provider_that_breaks_and_comes_back_make_two_messages(settings):
    """Mail and webhook, once each; a third receiver is dead and costs the calls nothing."""
    settings.LLM_ENVIRONMENT = {
        **settings.LLM_ENVIRONMENT,
        "LLM_RETRY_MAX_ATTEMPTS": 1,
        "LLM_COOLDOWN_FAILURES": 3,
        "LLM_COOLDOWN_SECONDS": 0.1,
    }
    broken = [False]
    with (
        loopback(lambda _: (500, {"error": "down"}) if broken[0] else (200, answered())) as model,
        loopback(lambda _: (200, {})) as receiver,
    ):
        provider = Provider.objects.create(
            name="fragile", provider_type="custom", api_base_url=model.url
        )
        ProviderModel.objects.create(provider=provider, model_id="m")
        LLMConfig.objects.create(pk=1, provider=provider, enabled=True)
        snapshot.expire()
        a_rule("provider_outage")
        a_webhook(receiver.url, event="provider_outage", name="alive")
        a_webhook("http://127.0.0.1:9/dead", event="provider_outage", name="dead")

        def calls(number):
            answers = 0
            for each in range(number):
                try:
                    client.generate(Call("fragile/m", [Message(role="user", content=str(each))]))
                    answers += 1
                except GenerationExhausted:
                    continue
            return answers

        assert calls(5) == 5
        tell()
        broken[0] = True
        assert calls(6) == 0
        tell()
        tell()
        assert subjects() == ["[Nodewise] fragile is failing"]
        broken[0] = False
        assert calls(6) == 6
        tell()
        tell()
    assert subjects()[1:] == ["[Nodewise] fragile answers again"]
    assert [each["data"]["level"] for each in receiver.bodies] == ["failing", "recovered"]
    dead = AlertDelivery.objects.filter(rule__name="dead")
    assert [(each.status, each.attempts) for each in dead] == [("waiting", 1)] * 2
