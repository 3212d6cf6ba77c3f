"""What the domain refuses on a page or in the API is marked for translation, as the pages are."""

import ast
import re

import pytest

from tests.project.test_translations import MARKS, ROOT, WORDS, around_of, called, text_of

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
    "management/": "commands",
    "migrations/": "nobody is asked",
}


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
