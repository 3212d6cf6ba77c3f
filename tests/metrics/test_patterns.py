"""Mining finds what happened again and again, the same each time, and nothing where nothing is."""

import datetime as dt
from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Labels
from metrics.feedback import record_decision
from metrics.models import Pattern, PromptProposal
from metrics.models.patterns import PatternType
from metrics.patterns.mining import mine
from metrics.patterns.problems import Problem, clustered, normalised
from metrics.quality.parts import CheckResults, ScorePart
from metrics.recording import record_call
from tests.metrics.calls import REFUSED, a_record

pytestmark = pytest.mark.django_db
NOW = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)


def answered(number=1, *, notes=(), version=1, operation="summary", answer="A text.", **changes):
    made = []
    for _ in range(number):
        labels = Labels("shop", operation, prompt_version=version)
        record = a_record(labels=labels, created_at=NOW, **changes)
        part = ScorePart("gates", 0.0 if notes else 1.0, not notes, tuple(notes))
        told = CheckResults() if record.error_code else CheckResults((part,))
        record_call(record, Texts("Sum this up.", answer), told)
        made.append(record)
    return made


def of(kind):
    return list(Pattern.objects.filter(pattern_type=kind))


@pytest.mark.parametrize(
    ("text", "source", "plain"),
    [
        ("Names it doesn't have: Bo, Al.", "check", "names it doesn't have"),
        ("The answer is too long: 300 characters from 12.", "check", "the answer is too long"),
        ("Limit of 'gpt-4o': 12.5 s https://a.b/c", "call", "limit of …: # s …"),
        ("Request 6ffd1a09-0b5e-4c6e-9a43-6a9d3d0e2f11 failed", "call", "request … failed"),
    ],
)  # fmt: skip
def test_what_differs_from_answer_to_answer_is_left_out(text, source, plain):
    assert normalised(text, source=source) == plain


def test_feedback_in_similar_words_is_one_problem():
    texts = ["please drop the phone number", "drop the phone number", "drop phone number please",
             "wrong breed"]  # fmt: skip
    found = clustered(
        Problem("enricher", "x", "reviewer", text, uuid4(), 1, "m", None) for text in texts
    )
    assert [(each.answers, each.message) for each in found] == [
        (3, "drop phone number please"),
        (1, "wrong breed"),
    ]


def test_reasons_with_one_code_are_one_problem_whatever_their_words():
    words = ["Numbers: 4.", "A number out of nowhere.", "4711?"]
    found = clustered(
        Problem("enricher", "x", "check", text, uuid4(), 1, "m", None, "unknown_numbers")
        for text in words
    )
    assert [(each.code, each.answers) for each in found] == [("unknown_numbers", 3)]


def test_errors_that_come_back_become_patterns_with_their_share_and_examples():
    answered(16)
    for number in range(4):
        answered(notes=[f"Numbers that the source doesn't have: {number}."])
    answered(2, notes=["Rare."])
    mine()
    (pattern,) = of(PatternType.COMMON_ERROR)
    data = pattern.pattern_data
    assert (pattern.node_type, pattern.usage_count, data["operation"]) == ("enricher", 4, "summary")
    assert (data["share"]["hits"], data["share"]["of"]) == (4, 22)
    assert data["share"]["low"] < 4 / 22 < data["share"]["high"]
    assert len(data["examples"]) == 3
    assert data["by_prompt_version"] == {"1": 4}


def test_calls_that_fail_alike_are_one_pattern():
    attempts = (REFUSED,)
    answered(3, error_code="generation_exhausted", attempts=attempts, answer="")
    mine()
    (pattern,) = of(PatternType.COMMON_ERROR)
    assert pattern.pattern_data["found_by"] == "call"
    assert pattern.pattern_data["said"] == "generation_exhausted: Slow down."


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"truncated": True, "finish_reason": "length"}, "The answer was cut short: length."),
        ({"finish_reason": "content_filter"}, "The answer was cut short: content_filter."),
        ({"finish_reason": "stop"}, None),
    ],
)
def test_answers_that_were_cut_short_are_an_error_that_comes_back(facts, said):
    answered(4, **facts)
    mine()
    assert [each.pattern_data["said"] for each in of(PatternType.COMMON_ERROR)] == (
        [said] if said else []
    )


def test_good_prompts_and_good_answers_are_kept_with_evidence():
    answered(60, answer="The best text.", response_length=14)
    answered(30, version=2)
    answered(30, version=2, notes=["The answer is too long: 9 from 3."])
    mine()
    (prompt,) = of(PatternType.HIGH_QUALITY_PROMPT)
    assert prompt.pattern_data["prompt_version"] == 1
    assert prompt.avg_quality_score == 1
    assert prompt.pattern_data["answer_characters"] == 14
    (other,) = prompt.pattern_data["compared"]
    assert (other["p"] < 0.05, other["answer_characters"]) == (True, 6)
    (success,) = of(PatternType.SUCCESSFUL_IMPLEMENTATION)
    assert success.usage_count == 90
    examples = success.pattern_data["examples"]
    assert {each["answer"] for each in examples} == {"The best text.", "A text."}


def test_what_reviewers_accepted_is_the_first_example():
    answered(3, answer="Nobody looked.")
    (judged,) = answered(answer="Somebody liked it, word for word.")
    (rejected,) = answered(answer="Nobody should see this.")
    record_decision(judged.correlation_id, near=NOW, accepted=True, edited=False)
    record_decision(rejected.correlation_id, near=NOW, accepted=False)
    mine()
    (success,) = of(PatternType.SUCCESSFUL_IMPLEMENTATION)
    answers = [each["answer"] for each in success.pattern_data["examples"]]
    assert answers == ["Somebody liked it, word for word.", "Nobody looked."]


def test_mining_again_changes_nothing_and_what_is_no_more_goes():
    answered(4, notes=["The answer is too long: 9 from 3."])
    Pattern.objects.create(pattern_type="high_quality_prompt", pattern_data={}, usage_count=5)
    mine()
    first = list(Pattern.objects.order_by("pk").values())
    mine()
    assert list(Pattern.objects.order_by("pk").values()) == first
    mine(now=NOW - dt.timedelta(days=40))
    assert Pattern.objects.get().usage_count == 5  # another program's row stays


def test_our_own_calls_teach_nothing():
    for _ in range(5):
        record_call(
            a_record(labels=Labels("metrics", "pattern_wording"), created_at=NOW),
            Texts("p", "a"),
            CheckResults((ScorePart("schema", 0.0, False, ("bad",)),)),
        )
    mine()
    assert not Pattern.objects.exists()


def test_the_command_says_what_it_found():
    answered(4, notes=["The answer is too long: 9 from 3."])
    out = StringIO()
    call_command("llm_patterns", "--days", "1", stdout=out)
    assert "1 patterns, 0 open proposals." in out.getvalue()
    assert not PromptProposal.objects.exists()  # nobody keeps this operation's prompt


def test_its_page_leads_to_the_calls_and_bears_other_programs_rows(client):
    made = answered(4, notes=["The answer is too long: 9 from 3."])
    mine()
    data = {"success_rate": {"value": "often"}, "examples": "none", "said": "<b>Odd</b>"}
    Pattern.objects.create(pattern_type="common_error", pattern_data=data, usage_count=9)
    Pattern.objects.create(pattern_type="common_error", pattern_data=["odd"], usage_count=9)
    client.force_login(User.objects.create_superuser("ada"))
    html = client.get("/admin/metrics/pattern/").content.decode()
    assert "The answer is too long" in html
    assert "&lt;b&gt;Odd&lt;/b&gt;" in html
    pages = {
        pattern.fingerprint: client.get(f"/admin/metrics/pattern/{pattern.pk}/change/")
        for pattern in Pattern.objects.all()
    }
    assert {page.status_code for page in pages.values()} == {200}
    (ours,) = [page.content.decode() for mark, page in pages.items() if mark]
    assert f"?q={made[-1].correlation_id}&amp;days=366" in ours
