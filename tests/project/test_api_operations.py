"""Every operation of the API says in its own words what it does, who may and what errors mean."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from llmconfig.api.kit.documentation import PERMISSIONS, described

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def operations() -> list[tuple[str, dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return list(_operations(schema["paths"]))


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def test_each_operation_has_a_summary_and_a_description_of_its_own(operations) -> None:
    assert [name for name, each in operations if not each.get("summary")] == []
    assert [name for name, each in operations if not each.get("description")] == []
    for part in ("summary", "description"):
        counted = Counter(each[part] for _, each in operations)
        assert [text for text, times in counted.items() if times > 1] == []


def test_each_summary_is_an_imperative_without_a_full_stop(operations) -> None:
    for _, each in operations:
        first = each["summary"].split()[0]
        assert first[0].isupper()
        assert not each["summary"].endswith(".")
        assert not first.endswith(("s", "ing", "ed")) or first in {"Discuss", "Process"}


def test_each_description_says_who_may_and_what_errors_mean(operations) -> None:
    for name, each in operations:
        if name == "GET /api/health/llm":  # open to anybody
            continue
        assert any(text in each["description"] for text in PERMISSIONS.values()), name
        if "404" in each["responses"]:
            assert "404: there is no such row" in each["description"], name


def test_nothing_is_described_that_is_not_there(operations) -> None:
    assert set(described()) == {name for name, _ in operations}
