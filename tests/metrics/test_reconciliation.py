"""Providers' exports beside what was recorded: read by their header, imported once."""

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.models import Provider
from metrics.errors import ExportUnreadable, Unanswerable
from metrics.models import BilledUsage
from metrics.recording import record_call
from metrics.reports.reconciliation import differences, import_export
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db
TODAY = dt.datetime.now(dt.UTC).date()
NOW = dt.datetime.now(dt.UTC)
TOMORROW = TODAY + dt.timedelta(days=1)
PAGE = reverse("admin:metrics_billedusage_changelist")


def record(**changes):
    facts = {"created_at": NOW, "provider": "openai", "model": "gpt-4o", "cache_hit": False}
    record_call(a_record(**(facts | changes)), TEXTS)


OPENAI_USAGE = f"""\ufeffstart_time,end_time,start_time_iso,end_time_iso,project_id,\
num_model_requests,model,input_tokens,output_tokens,input_cached_tokens
1,2,{TODAY}T00:00:00+00:00,x,p1,2,gpt-4o-2024-08-06,1000,300,0
1,2,{TODAY}T00:00:00+00:00,x,p2,1,gpt-4o-2024-08-06,900,130,0
"""
OPENAI_COSTS = f"""start_time,end_time,start_time_iso,amount_value,amount_currency,line_item
1,2,{TODAY}T00:00:00+00:00,0.30,usd,"gpt-4o-2024-08-06, input"
1,2,{TODAY}T00:00:00+00:00,0.25,usd,"gpt-4o-2024-08-06, output"
"""
ANTHROPIC_USAGE = f"""usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,\
usage_output_tokens
{TODAY},claude-sonnet-4-5-20250929,k,100,10,,5,40
"""
OPENROUTER = f"""generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug
gen-1,{TODAY} 10:11:12.5,0.01,10,5,qwen/qwen3-32b
gen-2,{TODAY} 23:59:59 UTC,0.02,11,6,qwen/qwen3-32b
"""


def taken(text, provider="openai", **more):
    return import_export(text.splitlines(keepends=True), provider=provider, **more)


def stored():
    return list(
        BilledUsage.objects.order_by("model").values_list(
            "day", "model", "requests", "tokens_input", "tokens_output", "cost_usd"
        )
    )


@pytest.mark.parametrize(
    ("text", "shape", "row"),
    [
        (OPENAI_USAGE, "openai usage", ("gpt-4o-2024-08-06", 3, 1900, 430, None)),
        (OPENAI_COSTS, "openai costs", ("gpt-4o-2024-08-06", None, None, None, Decimal("0.55"))),
        (
            ANTHROPIC_USAGE,
            "anthropic usage",
            ("claude-sonnet-4-5-20250929", None, 115, 40, None),
        ),
        (OPENROUTER, "openrouter activity", ("qwen/qwen3-32b", 2, 21, 11, Decimal("0.03"))),
    ],
)
def test_an_export_is_read_by_its_header_and_importing_it_twice_changes_nothing(text, shape, row):
    assert taken(text).shape == shape
    assert stored() == [(TODAY, *row)]
    taken(text)
    assert stored() == [(TODAY, *row)]


def test_usage_and_costs_of_the_same_days_complete_each_other():
    taken(OPENAI_USAGE)
    taken(OPENAI_COSTS)
    assert stored() == [(TODAY, "gpt-4o-2024-08-06", 3, 1900, 430, Decimal("0.55"))]


def test_other_exports_are_read_by_the_columns_that_are_named():
    text = f"Tag,Modell,Kosten\n{TODAY},gpt-4o,$1.5\n"
    taken(text, columns={"day": "Tag", "model": "Modell", "cost_usd": "Kosten"})
    assert stored() == [(TODAY, "gpt-4o", None, None, None, Decimal("1.5"))]


@pytest.mark.parametrize(
    ("text", "columns", "why"),
    [
        ("a,b\n1,2\n", None, "it has a, b"),
        ("", None, "it has nothing"),
        ("a,b\n1,2\n", {"day": "a"}, "columns of day and model"),
        ("a,b\n1,2\n", {"day": "a", "model": "b", "colour": "b"}, "nothing else: colour"),
        ("a,b\n1,2\n", {"day": "a", "model": "c"}, "header lacks c"),
        ('a,b\n"1,2\n', {"day": "a", "model": "b"}, "unexpected end of data"),
    ],
)
def test_a_file_of_no_known_shape_is_refused(text, columns, why):
    with pytest.raises(ExportUnreadable, match=why):
        taken(text, columns=columns)
    assert stored() == []


BAD = f"""date,model,requests,prompt_tokens,completion_tokens,usage
{TODAY},good,1,1,1,0.1
yesterday,good,1,1,1,0.1
{TODAY},,1,1,1,0.1
{TODAY},good,-1,1,1,0.1
{TODAY},good,1,1.5,1,0.1
{TODAY},good,1,1,1,NaN
{TODAY},good,1,1,1,1e400
{TODAY},"wo\0rd",1,1,1,1
{TODAY}
"""


def test_bad_lines_are_told_by_number_and_nothing_is_imported():
    with pytest.raises(ExportUnreadable) as refused:
        taken(BAD)
    assert [each.number for each in refused.value.bad] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "line 3: 'yesterday' is no day; line 4: model names no model" in str(refused.value)
    assert stored() == []
    done = taken(BAD, skip_bad=True)
    assert (done.rows, len(done.skipped)) == (1, 8)


def test_the_difference_is_shown_by_day_and_model_whatever_version_answered():
    record(cost_usd=Decimal("0.5"))
    record(cost_usd=Decimal(0), cache_hit=True)
    record(provider="other")
    record(created_at=NOW - dt.timedelta(days=1))
    taken(OPENAI_USAGE + f"1,2,{TODAY}T00:00:00+00:00,x,p,4,gpt-4.1,7,8,0\n")
    taken(OPENAI_COSTS)
    known, unknown = differences("openai", since=TODAY - dt.timedelta(days=7), until=TOMORROW)
    assert (known.model, known.ours.requests, known.theirs.requests, known.requests) == (
        "gpt-4o", 1, 3, 2,
    )  # fmt: skip
    assert known.cost_usd == Decimal("0.05")
    assert (unknown.model, unknown.requests, unknown.tokens, unknown.cost_usd) == (
        "gpt-4.1", 4, 15, None,
    )  # fmt: skip


def test_without_an_import_there_is_nothing_to_compare():
    with pytest.raises(Unanswerable, match="Nothing that openai billed"):
        differences("openai", since=TODAY, until=TOMORROW)


def test_the_command_imports_and_prints(tmp_path):
    file = tmp_path / "export.csv"
    file.write_text(OPENAI_COSTS)
    out, err = StringIO(), StringIO()
    call_command("llm_reconcile", "openai", str(file), "--csv", stdout=out, stderr=err)
    assert f"{TODAY},gpt-4o-2024-08-06,0,,0,,0,0,0.5500000000,0.5500000000" in out.getvalue()
    assert "openai costs: 2 lines, 1 days of models" in err.getvalue()
    file.write_text(BAD)
    with pytest.raises(CommandError, match="line 3: 'yesterday' is no day"):
        call_command("llm_reconcile", "openai", str(file))
    with pytest.raises(CommandError, match=r"nowhere\.csv can't be read \(No such file"):
        call_command("llm_reconcile", "openai", "nowhere.csv")
    file.write_bytes(b"\xff\xfed\0a\0y\0")
    with pytest.raises(CommandError, match="isn't UTF-8"):
        call_command("llm_reconcile", "openai", str(file))


def test_the_api_imports_for_administrators_and_shows_to_viewers():
    address = "/api/v1/llm/metrics/reconciliation"
    body = {"provider": "openai", "csv": OPENAI_COSTS}
    assert caller("operator").post(address, body, format="json").status_code == 403
    done = caller("administrator").post(address, body, format="json")
    assert (done.status_code, done.json()["rows"]) == (200, 1)
    bad = caller("administrator").post(
        address, body | {"csv": BAD.replace("\0", "\n")}, format="json"
    )
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "export_unreadable")
    record(cost_usd=Decimal("0.5"))
    (row,) = caller("viewer").get(address, {"provider": "openai"}).json()["results"]
    assert (row["model"], row["cost_usd"]) == ("gpt-4o", "0.0500000000")
    assert caller("viewer").get(address, {"provider": "x"}).status_code == 400


def test_the_page_imports_a_file_and_points_out_what_differs():
    Provider.objects.create(name="openai", provider_type="openai")
    snapshot.expire()
    record(cost_usd=Decimal("0.5"))
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    assert "Nothing imported for this period." in client.get(PAGE).content.decode()

    def post(text):
        file = SimpleUploadedFile("e.csv", text.encode())
        sent = client.post(PAGE, {"provider": "openai", "export": file}, follow=True)
        return sent.content.decode()

    assert "line 3: &#x27;yesterday&#x27; is no day" in post(BAD)
    shown = post(OPENAI_COSTS)
    assert '<span class="nw-badge nw-danger">+$0.0500</span>' in shown
    assert "openai bills $0.0500 more than recorded." in shown
    assert client.get(f"{PAGE}?provider=%00").status_code == 200
    client.force_login(User.objects.create_user("vera", is_staff=True))
    assert client.get(PAGE).status_code == 403
