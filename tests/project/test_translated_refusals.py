"""What the domain refuses on a page or in the API is marked for translation, as the pages are."""

import ast
import re

import pytest

from tests.project.test_translations import (
    MARKS,
    ROOT,
    UNSHOWN_CALLS,
    WORDS,
    around_of,
    called,
    text_of,
    unmarked,
)

# Raised to somebody who asked for something: the text is shown on a page or answered by the API.
REFUSALS = {
    "AlreadyDecided", "BadDeclaration", "BadListings", "BadPrompt", "BadSelection", "BadSource",
    "BadValue", "ChangeRefused", "ChangedSince", "Conflict", "ErrorBody", "ExportUnreadable",
    "FeatureOff", "InputChanged", "NoWorkers", "NotAllowedNow", "NotFound", "PermissionDenied",
    "ProposalOutdated", "ProposalSettled", "TookTooLong", "Unanswerable", "UnknownDimension",
    "UnknownEnrichment", "UnknownProviderType", "ValidationError", "refused",
}  # fmt: skip
# Where a refusal has one language, each with its reason.
ENGLISH_REFUSALS = {
    "llmconfig/gateway/": "/v1 speaks as the vendors' APIs do",
    "llmconfig/client/": "kept in records and logs",
    "llmconfig/configuration/sync/": "files, read by commands",
    "llmconfig/configuration/litellm/": "a command",
    "llmconfig/configuration/seeding.py": "a command",
    "enrichment/batches/cascades.py": "kept with its batch",
    "enrichment/call_cascades/steering.py": "kept with its node",
    "enrichment/call_cascades/scoring.py": "as above",
    "management/": "commands",
    "migrations/": "nobody is asked",
}
# Domain modules that make sentences for pages: reasons, warnings, notes.
HELPERS = (
    "enrichment/batches/silence.py",
    "enrichment/enrichments/fitting.py",
    "enrichment/listings/importing/",
    "llmconfig/configuration/candidates.py",
    "llmconfig/configuration/references.py",
    "llmconfig/configuration/resolution.py",
    "llmconfig/configuration/retirement.py",
    "llmconfig/diagnostics/health.py",
    "llmconfig/diagnostics/named_models.py",
    "llmconfig/diagnostics/validation.py",
)
# What those hand out for logs and programs.
SAID_TO_PROGRAMS = {
    "All LLM calls are switched off. Turn on": "an error of calls",
    "or UTF-16 of either order": "which encodings there are",
    "interaction type": "a kind, which stays as it is in the API",
    "SELECT pg_advisory_xact_lock": "a query",
    "DROP TABLE": "a query",
    "CREATE TEMPORARY TABLE": "a query",
    "UPDATE {} SET": "a query",
    "unexpected end of data": "the csv module's own words",
    "max_tokens above {}": "a parameter, as the API tells it",
}
# An error's text is a row's reason on the page of an import.
UNSHOWN_BY_HELPERS = UNSHOWN_CALLS - {"ValueError"}


def unmarked_refusals(source: str) -> list[str]:
    """The literals with which code refuses what somebody asked for, in one language only."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        text = text_of(node)
        if not text or not isinstance(node, ast.expr) or isinstance(parents[node], ast.JoinedStr):
            continue
        around = around_of(node, parents)
        calls = [called(each) for each in around]
        keywords = {each.arg for each in around if isinstance(each, ast.keyword)}
        shown = REFUSALS & set(calls) and not MARKS & set(calls) and not keywords
        plain = re.sub(r"\{[^}]*\}", " ", re.sub(r"^\w+: ", "", text))
        if shown and (WORDS.search(plain) or re.search(r"[a-z]{3}[.?]$", plain)):
            found.append(f"{node.lineno}: {text}")
    return found


def test_no_refusal_is_unmarked():
    found = {
        f"{name}:{each}"
        for app in ("llmconfig", "metrics", "enrichment", "nodewise")
        for path in sorted((ROOT / app).rglob("*.py"))
        if not any(part in (name := str(path.relative_to(ROOT))) for part in ENGLISH_REFUSALS)
        for each in unmarked_refusals(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_no_text_that_a_helper_makes_for_a_page_is_unmarked():
    files = [
        path
        for name in HELPERS
        for path in ([ROOT / name] if name.endswith(".py") else sorted((ROOT / name).rglob("*.py")))
    ]
    assert len(files) > len(HELPERS)
    found = {
        f"{path.relative_to(ROOT)}:{each}"
        for path in files
        for each in unmarked(path.read_text(encoding="utf-8"), unshown=UNSHOWN_BY_HELPERS)
        if not any(known in each for known in SAID_TO_PROGRAMS)
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        'raise ValueError("it repeats the header")',
        'x = Reading(warning=f"{model}: there is no provider.")',
        'yield BadRow(line, f"it has {cells} cells, the header fewer")',
    ],
)
def test_unmarked_texts_of_helpers_are_found(source):
    assert len(unmarked(source, unshown=UNSHOWN_BY_HELPERS)) == 1
    assert unmarked('raise ValueError(gettext("it repeats the header"))', unshown=frozenset()) == []


@pytest.mark.parametrize(
    "source",
    [
        'raise ChangeRefused("Choose a provider.", field="provider")',
        'raise ChangeRefused(f"There is no tier {name!r}.", field="tier")',
        'raise ValidationError({"until": "Give a later day."})',
        'raise file.refused("it is empty." if blank else told)',
        'return ErrorBody(400, "invalid", "A value can\'t be stored.")',
    ],
)
def test_unmarked_refusals_are_found(source):
    assert len(unmarked_refusals(source)) == 1
    assert (
        unmarked_refusals('raise NotFound(gettext("There is no run {key}.").format(key=1))') == []
    )
