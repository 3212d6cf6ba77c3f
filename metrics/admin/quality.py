"""Rules of quality, and a score's parts on a call's pages."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.admin.kit.schema_field import SchemaField
from llmconfig.admin.kit.theme import SelectWidget
from llmconfig.admin.kit.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.client.structured_output import SchemaUnusable, compile_schema
from llmconfig.configuration.numbers import count, decimal
from metrics.admin.answers import quality_urls
from metrics.models import GenerationHistory, QualityRule, WaitingAnswer
from metrics.quality import checks, scoring
from metrics.quality.parts import PERSON, ScorePart
from metrics.quality.stored import stored_parts

PAST = 7  # days whose answers a button has checked again


class PartLine(Struct, frozen=True):
    """A part of a score as a page shows it."""

    label: str
    score: str
    passed: bool
    notes: tuple[str, ...]


def part_lines(row: GenerationHistory | None) -> list[PartLine]:
    """A score's parts; none when the answer wasn't checked or its texts are gone."""
    return [_line(part) for part in stored_parts(row)]


def score_of(row: GenerationHistory | None) -> str | SafeString:
    """A row's quality score as text with two decimals."""
    return NOTHING if row is None or row.quality_score is None else decimal(row.quality_score, 2)


def parts_of(row: GenerationHistory | None) -> SafeString:
    """The score's parts, one a line, with their reasons."""
    lines = part_lines(row)
    if not lines:
        return NOTHING
    return format_html_join(
        "",
        '<div class="nw-part">{} {} <span class="nw-subtle">{}</span></div>',
        (
            (badge(line.score, "good" if line.passed else "danger"), line.label,
             " ".join(line.notes))
            for line in lines
        ),
    )  # fmt: skip


def _line(part: ScorePart) -> PartLine:
    check = checks.get(part.check)
    label = (
        str(check.label) if check else gettext("A person") if part.check == PERSON else part.check
    )
    return PartLine(label, decimal(part.score, 2), part.passed, part.notes)


class QualityRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A rule whose check and schema exist."""

    schema = SchemaField(
        label=_("JSON schema"),
        required=False,
        help_text=QualityRule._meta.get_field("schema").help_text,  # noqa: SLF001 - documented
    )

    class Meta:
        model = QualityRule
        fields = ("operation_type", "check_name", "weight", "schema", "is_active")

    def clean_schema(self) -> Any:
        """Refuse what is no JSON Schema, or can't be checked in bounded time."""
        schema = self.cleaned_data.get("schema")
        if schema is None:
            return None
        if not isinstance(schema, dict):
            raise ValidationError(gettext("A schema must be a JSON object."))
        try:
            compile_schema(schema)
        except SchemaUnusable as error:
            raise ValidationError(str(error)) from error
        return schema


@admin.register(QualityRule)
class QualityRuleAdmin(RevisionedAdmin):
    """The rules that say which checks judge whose answers."""

    form = QualityRuleForm
    list_display = ("operation", "looked_at", "weight", "state")
    list_filter = ("is_active",)
    search_fields = ("operation_type", "check_name")
    actions = ("check_again",)
    fieldsets = (
        (
            None,
            {
                "fields": ("operation_type", "check_name", "weight", "schema", "is_active"),
                "description": _(
                    "Checks run in a worker within a minute of the call, on the stored "
                    "prompt and answer. Code is read, never executed."
                ),
            },
        ),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The checks that there are, as a choice."""
        if db_field.name == "check_name":
            return forms.ChoiceField(
                label=gettext("Check"),
                choices=[("", gettext("Select value")), *checks.choices()],
                widget=SelectWidget(),
                help_text=db_field.help_text,
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("Operation"), ordering="operation_type")
    def operation(self, rule: QualityRule) -> str:
        return rule.operation_type or gettext("all others")

    @admin.display(description=_("Check"), ordering="check_name")
    def looked_at(self, rule: QualityRule) -> str:
        known = checks.get(rule.check_name)
        return str(known.label) if known else rule.check_name

    @admin.display(description=_("State"), ordering="is_active")
    def state(self, rule: QualityRule) -> SafeString:
        return badge(gettext("on"), "good") if rule.is_active else badge(gettext("off"))

    @admin.action(
        description=format_lazy(_("Check the answers of the last {days} days again"), days=PAST),
        permissions=["change"],
    )
    def check_again(self, request: HttpRequest, queryset: Any) -> None:
        """By the rules of now, in the background."""
        now = timezone.now()
        operations: Sequence[str] = list(queryset.values_list("operation_type", flat=True))
        number = scoring.enqueue(
            since=now - dt.timedelta(days=PAST),
            until=now,
            only=None if "" in operations else operations,
        )
        messages.success(
            request,
            ngettext(
                "{number} answer will be checked by a worker.",
                "{number} answers will be checked by a worker.",
                number,
            ).format(number=count(number)),
        )


@admin.register(WaitingAnswer)
class WaitingAnswerAdmin(ReadOnlyAdmin):
    """Answers that wait for slow checks; empty when workers keep up."""

    list_display = ("created_at", "operation_type", "correlation_id", "taken_at", "tries")
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        """With the page about all answers; below a page of the menu, both were marked there."""
        return [*quality_urls(), *super().get_urls()]
