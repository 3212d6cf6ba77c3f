"""The checks there are. Other apps register theirs; a rule chooses by name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from msgspec import Struct, field

from llmconfig import project_settings
from llmconfig.client.structured_output import SchemaMismatch, SchemaUnusable, compile_schema
from metrics.quality.parts import ScorePart
from metrics.quality.python_code import CodeReport, fenced

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SHOWN = 5  # reasons that a part names


class JudgedAnswer(Struct, frozen=True):
    """An answer from the history. `code` is there for checks that read Python."""

    text: str
    prompt: str
    operation_type: str
    node: str
    schema: Mapping[str, Any] | None = None
    code: CodeReport | None = None


class CheckFinding(Struct, frozen=True):
    """What a check found: its part of the score, and columns of the call that it fills."""

    part: ScorePart | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


NOTHING = CheckFinding()


class Check(Struct, frozen=True):
    """A check that a rule can name. Without `run` its findings are told with the call's record."""

    name: str
    label: "StrOrPromise"
    run: Callable[[JudgedAnswer], CheckFinding] | None = None
    reads_code: bool = False


_CHECKS: dict[str, Check] = {}


def register(check: Check) -> None:
    """Make a check available by its name; another app calls this from its `ready`."""
    _CHECKS[check.name] = check


def get(name: str) -> Check | None:
    """The check of this name, None when nobody has registered it."""
    return _CHECKS.get(name)


def choices() -> list[tuple[str, str]]:
    """Names and labels, for a form."""
    return sorted((check.name, str(check.label)) for check in _CHECKS.values())


def _syntax(answer: JudgedAnswer) -> CheckFinding:
    report = answer.code
    if report is None or report.unknown:
        return _unchecked("python_syntax", report)
    error = report.syntax_error
    part = ScorePart("python_syntax", 0.0 if error else 1.0, not error, (error,) if error else ())
    return CheckFinding(part, {"syntax_valid": not error})


def _type_hints(answer: JudgedAnswer) -> CheckFinding:
    report = answer.code
    if report is None or report.unknown or report.syntax_error or not report.functions:
        return NOTHING  # nothing to annotate
    bare = report.untyped
    share = 1 - len(bare) / report.functions
    notes = (f"Without type hints: {', '.join(bare[:SHOWN])}.",) if bare else ()
    return CheckFinding(
        ScorePart("python_type_hints", share, True, notes), {"has_type_hints": not bare}
    )


SEVERITY = {"HIGH": 1.0, "MEDIUM": 0.4, "LOW": 0.1}


def _security(answer: JudgedAnswer) -> CheckFinding:
    report = answer.code
    if report is None or report.unknown or report.syntax_error:
        return NOTHING  # no scanner reads what doesn't parse
    found = report.issues
    notes = tuple(f"Line {each['line']}: {each['text']} ({each['test']})" for each in found[:SHOWN])
    harm = sum(SEVERITY.get(each["severity"], 0.0) for each in found)
    grave = any(each["severity"] == "HIGH" for each in found)
    part = ScorePart("python_security", max(0.0, 1.0 - harm), not grave, notes)
    return CheckFinding(part, {"security_issues": list(found)})


def _unchecked(name: str, report: CodeReport | None) -> CheckFinding:
    """Code that couldn't be looked at is no good code, but isn't known to be wrong either."""
    reason = report.unknown if report else "The code was not looked at."
    return CheckFinding(ScorePart(name, 0.0, False, (reason,)))


def _json(answer: JudgedAnswer) -> CheckFinding:
    try:
        value = orjson.loads(fenced(answer.text, ("json",)))
    except orjson.JSONDecodeError as error:
        part = ScorePart("json_schema", 0.0, False, (f"It is no JSON: {error}.",))
        return CheckFinding(part, {"syntax_valid": False})
    notes = _misfits(value, answer.schema, len(answer.text)) if answer.schema else ()
    part = ScorePart("json_schema", 0.5 if notes else 1.0, not notes, notes)
    return CheckFinding(part, {"syntax_valid": True})


def _misfits(value: Any, schema: Mapping[str, Any], size: int) -> tuple[str, ...]:
    """What is wrong with a value of `size` characters, within the bounds on a check's work."""
    try:
        errors = compile_schema(schema).complaints(value, size=size)[:SHOWN]
    except SchemaUnusable as error:
        return (f"The rule's schema can't be used: {error}",)
    except SchemaMismatch as error:
        return (str(error),)
    return tuple(
        f"{'.'.join(map(str, error.absolute_path)) or 'value'}: {error.message[:200]}"
        for error in errors
    )


def _onex(answer: JudgedAnswer) -> CheckFinding:
    """By the function that LLM_ONEX_CHECK names: it gives a reason, or "" for compliant."""
    if not project_settings.onex_check():
        return NOTHING
    reason = str(import_string(project_settings.onex_check())(answer) or "")
    part = ScorePart("onex", 0.0 if reason else 1.0, not reason, (reason[:500],) if reason else ())
    return CheckFinding(part, {"onex_compliant": not reason})


for _check in (
    Check("python_syntax", _("Python: it parses"), _syntax, reads_code=True),
    Check("python_type_hints", _("Python: type hints"), _type_hints, reads_code=True),
    Check("python_security", _("Python: security findings (bandit)"), _security, reads_code=True),
    Check("json_schema", _("JSON: it parses and obeys the schema"), _json),
    Check("onex", _("ONEX compliance (LLM_ONEX_CHECK)"), _onex),
):
    register(_check)
