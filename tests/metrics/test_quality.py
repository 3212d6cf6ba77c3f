"""Answers get a score from the checks that rules ask for, and its parts are shown."""

import datetime as dt
import json
import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from uuid_utils.compat import uuid7

from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Labels
from llmconfig.configuration import snapshot
from llmconfig.roles import Role
from llmconfig.runtime.records import replace
from metrics.models import GenerationHistory, GenerationMetric, QualityRule, WaitingAnswer
from metrics.quality import rules, scoring
from metrics.quality.parts import CheckResults, ScorePart
from metrics.quality.python_code import examine
from metrics.recording import record_call, write_records
from tests.api import caller
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db

CODE = """Here it is:
```python
import subprocess

def run(command: str) -> int:
    return subprocess.call(command, shell=True)  # nosec

def bare(value):
    return value
```
"""
PYTHON = ("python_syntax", "python_type_hints", "python_security")


def a_rule(*names, operation="method_implementation", **fields):
    for name in names:
        QualityRule.objects.create(operation_type=operation, check_name=name, **fields)
    snapshot.expire()


def answered(text, *, operation="method_implementation", told=None, **changes):
    record = a_record(labels=Labels("codegen", operation), **changes)
    record_call(record, Texts("Write it.", text), told or CheckResults())
    return record


def the_call():
    return GenerationMetric.objects.get(), GenerationHistory.objects.get()


def parts_of(row):
    return {each["check"]: each for each in row.quality_parts}


def test_python_is_parsed_its_hints_counted_and_scanned_and_all_is_written():
    a_rule(*PYTHON)
    answered(CODE)
    assert the_call()[1].quality_score is None
    assert scoring.score_waiting() == 1
    call, row = the_call()
    assert (call.syntax_valid, call.has_type_hints) == (True, False)
    assert {each["test"] for each in call.security_issues} == {"B404", "B602"}  # nosec is ignored
    parts = parts_of(row)
    assert parts["python_type_hints"]["score"] == 0.5
    assert "bare" in parts["python_type_hints"]["notes"][0]
    assert parts["python_security"]["score"] == 0
    assert row.quality_score == pytest.approx(0.5)
    assert row.validation_passed is False  # a grave finding holds it back
    assert not WaitingAnswer.objects.exists()


def test_what_does_not_parse_says_where():
    a_rule(*PYTHON)
    answered("def f(:\n    pass")
    scoring.score_waiting()
    call, row = the_call()
    assert (call.syntax_valid, call.has_type_hints, call.security_issues) == (False, None, None)
    assert parts_of(row)["python_syntax"]["notes"] == ["line 1: invalid syntax"]
    assert row.quality_score == 0


def test_a_rule_applies_to_its_operation_and_a_blank_one_to_those_without_their_own():
    a_rule("json_schema", operation="")
    a_rule("python_syntax")
    answered("{}", operation="other")
    answered("x = 1")
    scoring.score_waiting()
    rows = {row.generated_code: set(parts_of(row)) for row in GenerationHistory.objects.all()}
    assert rows == {"{}": {"json_schema"}, "x = 1": {"python_syntax"}}


def test_json_must_obey_the_rules_schema():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    a_rule("json_schema", schema=schema)
    for text in ('{"n": 1}', '```json\n{"n": "one"}\n```', "n = 1"):
        answered(text)
    scoring.score_waiting()
    rows = GenerationHistory.objects.order_by("created_at")
    assert [row.quality_score for row in rows] == [1, 0.5, 0]
    assert "n: 'one' is not of type 'integer'" in rows[1].quality_parts[0]["notes"]
    calls = GenerationMetric.objects.order_by("created_at")
    assert [call.syntax_valid for call in calls] == [True, True, False]


def compliant(answer):
    return "" if "class Node" in answer.text else "There is no node class."


def test_compliance_is_judged_by_the_function_that_the_setting_names(settings):
    settings.LLM_ONEX_CHECK = f"{__name__}.compliant"
    a_rule("onex")
    answered("class NodeEffect: ...")
    answered("def f(): ...")
    scoring.score_waiting()
    calls = GenerationMetric.objects.order_by("created_at")
    assert [call.onex_compliant for call in calls] == [True, False]
    notes = GenerationHistory.objects.order_by("created_at")[1].quality_parts[0]["notes"]
    assert notes == ["There is no node class."]


def test_what_was_told_with_the_call_counts_beside_what_is_found_later_by_weight():
    a_rule("json_schema", weight=3)
    told = CheckResults((ScorePart("gates", 0.0, False, ("Too long.",)),), syntax_valid=None)
    answered("{}", told=told)
    assert the_call()[1].quality_score == 0
    scoring.score_waiting()
    row = the_call()[1]
    assert row.quality_score == pytest.approx(0.75)
    assert row.validation_passed is False
    assert set(parts_of(row)) == {"gates", "json_schema"}


def test_without_a_rule_nothing_waits_and_failed_calls_never_do():
    answered(CODE)
    a_rule("python_syntax")
    answered("", error_code="timeout")
    assert not WaitingAnswer.objects.exists()


def test_code_that_never_ends_or_eats_memory_harms_no_worker():
    started = time.monotonic()
    deep = "(" * 100 + ")" * 100 + "\n" + "[" * 99_000
    reports = examine(
        ["while True: pass", "x = " + "-" * 90_000 + "1", deep, "import os\nos._exit(3)", "ok = 1"],
        scan=[True] * 5,
    )
    assert time.monotonic() - started < 60
    assert reports[0].syntax_error == reports[3].syntax_error == reports[4].syntax_error == ""
    assert reports[1].syntax_error or reports[1].unknown
    assert reports[2].syntax_error or reports[2].unknown
    assert "longer" in examine(["x" * 200_000], scan=[True])[0].unknown


def test_answers_that_no_worker_survived_are_given_up_after_three():
    a_rule("python_syntax")
    answered("x = 1")
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    WaitingAnswer.objects.update(taken_at=long_ago, tries=2)
    assert scoring.score_waiting() == 1
    answered("x = 2")
    WaitingAnswer.objects.update(taken_at=long_ago, tries=3)
    assert scoring.score_waiting() == 0
    assert not WaitingAnswer.objects.exists()


def test_past_answers_are_scored_by_command():
    answered("x = 1")
    a_rule("python_syntax")
    out = StringIO()
    call_command("llm_quality", "--days", "2", stdout=out)
    assert "Scored 1 answers." in out.getvalue()
    assert the_call()[1].quality_score == 1
    call_command("llm_quality", "--operation", "none", stdout=out)
    assert "No rule asks" in out.getvalue()


def test_the_api_and_the_admin_show_the_parts(admin_client):
    a_rule("python_syntax")
    record = answered("def f(:")
    scoring.score_waiting()
    shown = caller(Role.VIEWER).get(f"/api/v1/llm/metrics/calls/{record.correlation_id}").json()
    assert shown["results"][0]["quality_score"] == 0
    assert shown["results"][0]["quality_parts"][0]["notes"] == ["line 1: invalid syntax"]
    call, row = the_call()
    for page in (f"generationmetric/{call.pk}", f"generationhistory/{row.pk}"):
        html = admin_client.get(f"/admin/metrics/{page}/change/").content.decode()
        assert "Python: it parses" in html
        assert "line 1: invalid syntax" in html


def test_telling_a_score_costs_a_batch_little():
    records = [(a_record(), TEXTS) for _ in range(3000)]
    part = ScorePart("gates", 1.0, True)
    told = {record.correlation_id: CheckResults((part,), True) for record, _ in records}
    rules.current()

    def seconds(**more):
        pairs = [(replace(record, id=uuid7()), texts) for record, texts in records]
        started = time.thread_time()
        with connection.cursor() as cursor:
            write_records(cursor, pairs, **more)
        return time.thread_time() - started

    plain = min(seconds() for _ in range(3))
    scored = min(seconds(found_by_checks=told) for _ in range(3))
    assert (scored - plain) / len(records) < 0.00005
    assert GenerationHistory.objects.exclude(quality_parts=None).count() == 9000


def test_a_rule_is_made_in_the_admin_and_refuses_a_broken_schema(admin_client):
    address = "/admin/metrics/qualityrule/add/"
    page = admin_client.get(address)
    seen = page.context["seen_revision"]
    form = {"operation_type": "tagging", "check_name": "json_schema", "weight": "2",
            "is_active": "on", "_seen_revision": seen}  # fmt: skip
    refused = admin_client.post(address, form | {"schema": '{"type": "nonsense"}'})
    assert "The schema is wrong at $: type" in refused.content.decode()
    made = admin_client.post(address, form | {"schema": '{"type": "object"}'})
    assert made.status_code == 302
    rule = QualityRule.objects.get()
    assert (rule.operation_type, rule.weight, rule.schema) == ("tagging", 2, {"type": "object"})


def test_a_rule_without_a_schema_shows_a_blank_field_and_stays_without(admin_client):
    rule = QualityRule.objects.create(operation_type="tagging", check_name="json_schema")
    for schema in (None, {"type": "object"}):
        QualityRule.objects.update(schema=schema)
        address = f"/admin/metrics/qualityrule/{rule.pk}/change/"
        page = admin_client.get(address)
        shown = page.context["adminform"].form["schema"].value()
        assert shown == ("" if schema is None else '{\n  "type": "object"\n}')
        assert ">null<" not in page.content.decode().replace("\n", "")
        form = {"operation_type": "tagging", "check_name": "json_schema", "weight": "3",
                "schema": shown, "_seen_revision": page.context["seen_revision"]}  # fmt: skip
        assert admin_client.post(address, form).status_code == 302
        rule.refresh_from_db()
        assert rule.schema == schema
        assert QualityRule.objects.filter(
            schema__isnull=schema is None
        ).exists()  # NULL, not JSON's


def test_the_command_says_how_good_answers_were():
    now = dt.datetime.now(dt.UTC)
    for passed, version in ((True, 1), (True, 1), (False, 2)):
        labels = Labels("shop", "summary", prompt_version=version)
        part = ScorePart("gates", float(passed), passed)
        record_call(a_record(labels=labels, created_at=now), TEXTS, CheckResults((part,)))
    out = StringIO()
    call_command("llm_quality", "--by", "prompt_and_model", stdout=out)
    first, second = out.getvalue().splitlines()[1:]
    assert first.startswith("summary v1 openrouter/qwen-32b  2        100.0% (34.2% to 100.0%)")
    assert "0.0% (0.0% to 79.3%)" in second
    out = StringIO()
    call_command("llm_quality", "--by", "prompt", "--operation", "summary", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [(each["name"], each["passed"]["value"]) for each in told] == [
        ("summary v1", 1.0),
        ("summary v2", 0.0),
    ]
    out = StringIO()
    call_command("llm_quality", "--by", "node", "--operation", "no such", stdout=out)
    assert "No answers are kept for this period." in out.getvalue()
