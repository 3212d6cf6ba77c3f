"""The filters of the lists of calls: chosen (node, model, outcome) or typed (key, cost, session).

None of them asks the calls' table for its distinct values, which would read all of it.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.theme import DropdownFilter
from llmconfig.admin.kit.typed_filter import TypedField, TypedFilter
from llmconfig.configuration import snapshot
from llmconfig.models import InteractionType
from metrics.questions import users_have_text_keys

MAX_ID = 2**63 - 1
MAX_NUMBER = 10**9
OUTCOMES = {
    "ok": (_("Succeeded"), Q(error_code="")),
    "failed": (_("Failed"), ~Q(error_code="")),
    "unpriced": (_("Without a price"), Q(cost_usd__isnull=True)),
    "cached": (_("From the cache"), Q(cache_hit=True)),
}


class OutcomeFilter(DropdownFilter):
    """Filters calls by success, error code, missing price or the cache."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The kinds, and the error that a link led to."""
        chosen = request.GET.get(self.parameter_name, "")
        told = (
            []
            if not chosen or chosen in OUTCOMES
            else [(chosen, gettext("Failed: {code}").format(code=chosen))]
        )
        return [*told, *((name, str(label)) for name, (label, _) in OUTCOMES.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the error's code, the missing cost, or the cache."""
        chosen = self.value() or ""
        if not chosen:
            return queryset
        return queryset.filter(OUTCOMES[chosen][1] if chosen in OUTCOMES else Q(error_code=chosen))


def kind_in_words(value: str) -> str:
    """An interaction type as a page of nodes names it; one that is no more as it is stored."""
    known = value in InteractionType.values
    return str(InteractionType(value).label) if known else value


class KindFilter(DropdownFilter):
    """Filters calls by their interaction type."""

    title = _("interaction type")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The types that there are; the table is not asked."""
        return [(each.value, str(each.label)) for each in InteractionType]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(node_type=self.value()) if self.value() else queryset


class ProviderFilter(DropdownFilter):
    """Filters calls by the provider that answered."""

    title = _("provider")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The configured ones and the one that a link led to; the table is not asked."""
        return _with_chosen(snapshot.current().providers, request.GET.get(self.parameter_name, ""))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


class ModelFilter(DropdownFilter):
    """Filters calls by the model that answered."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The configured ones and the one that a link led to; the table is not asked."""
        names = {model.model_id for model in snapshot.current().models.values()}
        return _with_chosen(names, request.GET.get(self.parameter_name, ""))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_used=self.value()) if self.value() else queryset


class NodeFilter(DropdownFilter):
    """By the node that was called."""

    title = _("node")
    parameter_name = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The configured ones and the one that a link led to; the table is not asked."""
        return _with_chosen(snapshot.current().nodes, request.GET.get(self.parameter_name, ""))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(method_name=self.value()) if self.value() else queryset


class PromptFilter(DropdownFilter):
    """By the kind of work and its prompt's version, where a link led to one."""

    title = _("prompt")
    parameter_name = "prompt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Only the chosen one: names and versions are many, and the table is not asked."""
        return _with_chosen((), request.GET.get(self.parameter_name, ""))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        operation, _, version = chosen.rpartition(" v")
        if operation and version.isdecimal():
            return queryset.filter(operation_type=operation, prompt_version=int(version))
        return queryset.filter(operation_type=chosen) if chosen else queryset


def _session(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(gettext("Enter the whole ID, as shown on the batch's page.")) from None


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_ID:
        raise ValueError(gettext("Enter its number."))
    return int(text)


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise ValueError(gettext("Enter a number such as 0.25.")) from None
    if not value.is_finite() or abs(value) > MAX_NUMBER:
        raise ValueError(gettext("Enter a number such as 0.25."))
    return value


def _milliseconds(text: str) -> float:
    return float(_number(text) * 1000)


class CallerFilter(TypedFilter):
    """By who called, and what they said of the call."""

    title = _("caller")

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        """Users as the project keys them."""
        user = (
            TypedField("user", gettext("User's key"), lookup="user_key")
            if users_have_text_keys()
            else TypedField("user", gettext("User's number"), _whole, "user_id")
        )
        return (
            TypedField("key", gettext("API key"), lookup="account"),
            user,
            TypedField("organization", gettext("Organization's number"), _whole, "organization_id"),
            TypedField("end_user", gettext("End user"), lookup="end_user"),
            TypedField("tag", gettext("Tag"), lambda text: [text], "tags__contains"),
        )


class TextsCallerFilter(TypedFilter):
    """The same as far as it stands beside the texts."""

    title = _("caller")

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        return (
            TypedField("key", gettext("API key"), lookup="account"),
            TypedField("end_user", gettext("End user"), lookup="end_user"),
            TypedField("tag", gettext("Tag"), lambda text: [text], "tags__contains"),
        )


class WorkFilter(TypedFilter):
    """By what the call was a part of."""

    title = _("work")

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        """An experiment's arm is of the same experiment."""
        return (
            TypedField("session", gettext("Session or batch"), _session, "session_id"),
            TypedField("tier", gettext("Tier"), lookup="tier"),
            TypedField("experiment", gettext("Experiment"), lookup="experiment"),
            TypedField("arm", gettext("Variant"), lookup="experiment_arm"),
        )


class BoundsFilter(TypedFilter):
    """By what the call cost and how long it took."""

    title = _("cost and latency")

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        """Both ends included; calls without a price are in no range of cost."""
        return (
            TypedField("cost_from", gettext("Cost from ($)"), _number, "cost_usd__gte"),
            TypedField("cost_to", gettext("Cost up to ($)"), _number, "cost_usd__lte"),
            TypedField(
                "latency_from", gettext("Latency from (s)"), _milliseconds, "latency_ms__gte"
            ),
            TypedField(
                "latency_to", gettext("Latency up to (s)"), _milliseconds, "latency_ms__lte"
            ),
        )


def _with_chosen(names: Iterable[str], chosen: str) -> list[tuple[Any, str]]:
    return [(name, name) for name in sorted({*names, *([chosen] if chosen else [])})]
