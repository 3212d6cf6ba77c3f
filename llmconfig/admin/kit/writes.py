"""Every write of the admin is one revision, and never overwrites what another has just changed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext

from llmconfig.admin.kit.theme import ModelAdmin
from llmconfig.configuration.edits import changes_since, in_words, traces_of
from llmconfig.configuration.revisions import change
from llmconfig.models import ConfigVersion

SEEN = "_seen_revision"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def current_revision() -> int:
    """The number that a form carries to say which state its values were read from."""
    return ConfigVersion.objects.values_list("revision", flat=True).first() or 0


def conflict(seen: str, rows: Iterable[Model]) -> str:
    """Why a form that was read at revision `seen` may not be saved; blank when it may."""
    if not seen.isdigit():
        return gettext(
            "This form is incomplete: it doesn't say which revision it shows. Open the page again."
        )
    since = changes_since(int(seen), traces_of(rows))
    if not since:
        return ""
    return gettext(
        "{changes}. Your changes weren't saved; they are still in the form below. Open the "
        "page again to see the current values, then repeat what you still want."
    ).format(changes=in_words(since, named=True))


class RefusesStaleForms(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A form that knows why it may not be saved."""

    conflict = ""

    def clean(self) -> dict[str, Any]:
        """Refuse to save over a newer state."""
        cleaned = super().clean() or {}
        if self.conflict:
            raise ValidationError(self.conflict)
        return cleaned


class RevisionedAdmin(ModelAdmin):
    """A page of configuration: each save, bulk action or deletion is one numbered revision."""

    change_form_before_template = "nodewise/seen_revision.html"
    warn_unsaved_form = True

    @contextmanager
    def revision(self, request: HttpRequest, message: str) -> Iterator[None]:
        """Wraps a write of this page."""
        user = request.user if request.user.is_authenticated else None
        with change(source="admin", user=user, message=message):
            yield

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form with the revision it was read at, or save it as one revision."""
        seen = request.POST.get(SEEN, "") if request.method == "POST" else str(current_revision())
        context = {"seen_revision": seen, "seen_name": SEEN, **(extra_context or {})}
        if request.method in READING:
            return super().changeform_view(request, object_id, form_url, context)
        name = self.opts.verbose_name_raw
        message = f"Added a {name}." if object_id is None else ""
        with (
            transaction.atomic(),  # the row is held from before its name is read
            self.revision(request, message or f"Changed the {name} {self._locked(object_id)}."),
        ):
            return super().changeform_view(request, object_id, form_url, context)

    def _locked(self, object_id: str | None) -> Model | None:
        """The row, held until the end of the transaction so that two saves come one by one."""
        try:
            row: Model | None = (
                self.model._default_manager.select_for_update()  # noqa: SLF001 - Django's API
                .filter(pk=unquote(object_id or ""))
                .first()
            )
        except (ValueError, ValidationError):
            return None  # the view answers that there is no such row
        return row

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:  # a form class
        """The form, told whether the row has changed since it was shown."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or request.method != "POST":
            return form
        reason = conflict(request.POST.get(SEEN, ""), [obj, *self.dependent_rows(obj)])
        return type(form.__name__, (RefusesStaleForms, form), {"conflict": reason})

    def dependent_rows(self, obj: Any) -> Iterable[Model]:
        """Rows that are edited on the same page."""
        return ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A bulk action is one revision."""
        if request.method in READING:
            return super().changelist_view(request, extra_context)
        action = request.POST.get("action", "")
        verb = "Deleted" if action == "delete_selected" else "Changed"
        with translation.override(None):  # the history is kept in one language
            several = str(self.opts.verbose_name_plural)
        with self.revision(request, f"{verb} several {several}."):
            return super().changelist_view(request, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's revisions, which also know what other surfaces wrote."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        query = urlencode({"table_name": self.opts.db_table, "q": unquote(object_id)})
        return HttpResponseRedirect(
            f"{reverse('admin:llmconfig_revisionchange_changelist')}?{query}"
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A deletion with all that goes with it is one revision."""
        if request.method in READING:
            return super().delete_view(request, object_id, extra_context)
        name = self.opts.verbose_name_raw
        with (
            transaction.atomic(),
            self.revision(request, f"Deleted the {name} {self._locked(object_id)}."),
        ):
            return super().delete_view(request, object_id, extra_context)


class ReadOnlyAdmin(ModelAdmin):
    """A page of what machines write: nobody adds, changes or deletes it here."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without a history: nobody edits these rows."""
        context = {"show_history": False, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
