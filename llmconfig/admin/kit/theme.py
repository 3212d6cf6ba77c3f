"""The one place that names the admin theme; types are the stock admin's, which it extends."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest

from llmconfig.admin.kit.row_page import FillsPage
from llmconfig.admin.kit.untouched import KeepsUntouched, NamesFields

if TYPE_CHECKING:
    from django import forms
    from django.contrib.admin import SimpleListFilter as DropdownFilter
    from django.contrib.admin.views.main import ChangeList
    from django.core.paginator import Paginator as UncountedPaginator

    class ModelAdmin(FillsPage, admin.ModelAdmin[Any]):
        """The theme's page of a table."""

        list_filter_submit: bool
        list_fullwidth: bool
        list_before_template: str | None
        change_form_before_template: str | None
        change_form_outer_before_template: str | None
        change_form_outer_after_template: str | None
        warn_unsaved_form: bool

    class TabularInline(admin.TabularInline[Any, Any]):
        """The theme's table of dependent rows."""

        per_page: int | None
        tab: bool

    CheckboxesWidget = forms.CheckboxSelectMultiple
    PasswordWidget = forms.PasswordInput
    SelectWidget = forms.Select
    SwitchWidget = forms.CheckboxInput
    TextareaWidget = forms.Textarea
    TextWidget = forms.TextInput
elif apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin as ThemeModelAdmin
    from unfold.admin import TabularInline as ThemeTabularInline
    from unfold.paginator import InfinitePaginator as UncountedPaginator
    from unfold.views import ChangeList
    from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as CheckboxesWidget
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordWidget
    from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
    from unfold.widgets import UnfoldAdminTextareaWidget as TextareaWidget
    from unfold.widgets import UnfoldAdminTextInputWidget as TextWidget
    from unfold.widgets import UnfoldBooleanSwitchWidget as SwitchWidget

    from llmconfig.admin.kit.choice_filter import ChoiceFilter as DropdownFilter
else:  # Django's own admin: what only the theme draws, kit/plain.py leaves out or puts elsewhere
    from django.contrib.admin.views.main import ChangeList
    from django.contrib.admin.widgets import AdminTextareaWidget as TextareaWidget
    from django.contrib.admin.widgets import AdminTextInputWidget as TextWidget
    from django.forms import CheckboxInput as SwitchWidget
    from django.forms import CheckboxSelectMultiple as CheckboxesWidget
    from django.forms import PasswordInput as PasswordWidget
    from django.forms import Select as SelectWidget

    from llmconfig.admin.kit.plain import (
        DropdownFilter,
        UncountedPaginator,
    )
    from llmconfig.admin.kit.plain import ModelAdmin as ThemeModelAdmin
    from llmconfig.admin.kit.plain import TabularInline as ThemeTabularInline

# Whether a list's filters are sent together; Django's own are links, each on its own.
FILTERS_ARE_ONE_FORM = apps.is_installed("unfold")

if not TYPE_CHECKING:

    class ModelAdmin(FillsPage, KeepsUntouched, ThemeModelAdmin):
        """The theme's page of a table, with what all of ours share."""

        class Media:  # our panels' style, also where the project's UNFOLD names none
            css: ClassVar[dict[str, list[str]]] = {"all": ["llmconfig/admin.css"]}

        def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
            """The list; a whole one, whose total isn't counted, doesn't offer to show all."""
            found = super().get_changelist_instance(request)
            if found.full_result_count is None and not (found.query or found.get_filters_params()):
                found.full_result_count = found.result_count
            return found

    class TabularInline(NamesFields, ThemeTabularInline):
        """The theme's table of dependent rows, its fields named."""


__all__ = [
    "FILTERS_ARE_ONE_FORM",
    "ChangeList",
    "CheckboxesWidget",
    "DropdownFilter",
    "ModelAdmin",
    "PasswordWidget",
    "SelectWidget",
    "SwitchWidget",
    "TabularInline",
    "TextWidget",
    "TextareaWidget",
    "UncountedPaginator",
]
