"""The page of quality: groups side by side, each leading to its calls."""

import datetime as dt
import html
import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from llmconfig.client.types import Labels
from llmconfig.roles import ensure_roles
from metrics.quality.parts import CheckResults, ScorePart
from metrics.recording import record_call
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db
PAGE = "/admin/metrics/waitinganswer/all/"


def answered(*, version, operation="summary", passed=True, told=None, **changes):
    labels = Labels("shop", operation, prompt_version=version)
    record = a_record(labels=labels, created_at=dt.datetime.now(dt.UTC), **changes)
    record_call(record, TEXTS, told or CheckResults((ScorePart("gates", float(passed), passed),)))
    return record


@pytest.fixture
def ada(client):
    client.force_login(User.objects.create_superuser("ada"))
    return client


def links(page):
    """The lines' links, by their names."""
    found = re.findall(r'href="(/admin/metrics/generationmetric/\?[^"]*)">([^<]*)</a>', page)
    return {name: html.unescape(address) for address, name in found}


def listed(client, address):
    return client.get(address).context["cl"].result_list


def test_each_line_leads_to_the_calls_behind_it(ada):
    good = [answered(version=3, model="a") for _ in range(2)]
    bad = answered(version=4, model="b", passed=False)
    other = answered(version=None, operation="other v", model="b")
    page = ada.get(PAGE).content.decode()
    assert "100.0%" in page
    assert "(34.2% to 100.0%) of 2" in page
    found = links(page)
    assert set(found) == {"summary v3 openrouter/a", "summary v4 openrouter/b",
                          "other v openrouter/b"}  # fmt: skip
    for name, expected in (
        ("summary v3 openrouter/a", good),
        ("summary v4 openrouter/b", [bad]),
        ("other v openrouter/b", [other]),
    ):
        assert {call.correlation_id for call in listed(ada, found[name])} == {
            record.correlation_id for record in expected
        }


@pytest.mark.parametrize("by", ["node", "model", "operation", "prompt"])
def test_by_each_grouping_the_links_divide_the_calls(ada, by):
    for number, node in enumerate(["tag", "tag", "clean"]):
        answered(version=number % 2, operation=node, node=node, model=node)
    found = links(ada.get(PAGE, {"by": by}).content.decode())
    calls = [call.pk for address in found.values() for call in listed(ada, address)]
    assert len(found) == (3 if by == "prompt" else 2)
    assert len(calls) == len(set(calls)) == 3


def test_columns_of_checks_are_there_where_one_looked(ada):
    answered(version=1)
    assert "Valid syntax" not in ada.get(PAGE).content.decode()
    answered(version=1, told=CheckResults((ScorePart("schema", 1.0, True),), syntax_valid=True))
    assert "Valid syntax" in ada.get(PAGE).content.decode()


def test_nothing_kept_says_what_to_do_and_strange_parameters_are_passed_over(ada):
    page = ada.get(PAGE, {"by": "colour", "days": "-1"}).content.decode()
    assert "No answers are kept for this period." in page
    assert "LLM_FEATURE_HISTORY" in page


def test_only_those_who_may_see_texts_see_it(client):
    ensure_roles()
    client.force_login(User.objects.create_user("sam", is_staff=True))
    assert client.get(reverse("admin:metrics_quality")).status_code == 403
