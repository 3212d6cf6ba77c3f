"""A filter chosen from a list, drawn as one select: the theme's takes a form and five templates."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as of_django

SELECTED = mark_safe(" selected")


class ChoiceFilter(admin.SimpleListFilter):
    """Django's, for a theme that sends all filters of a list in one form.

    `all_option` is what stands first and filters nothing; None where something is always chosen.
    """

    template = "nodewise/choice_filter.html"
    all_option: ClassVar[tuple[str, str] | None] = ("", "All")

    def choices(self, changelist: Any) -> Iterator[Any]:
        """What the template draws."""
        chosen = str(self.value() or "")
        first = [(value, of_django(text)) for value, text in filter(None, [self.all_option])]
        yield {
            "label": of_django(" By %(filter_title)s ") % {"filter_title": self.title},
            "options": format_html_join(
                "",
                '<option value="{}"{}>{}</option>',
                (
                    (value, SELECTED if str(value) == chosen else "", text)
                    for value, text in [*first, *self.lookup_choices]
                ),
            ),
        }
