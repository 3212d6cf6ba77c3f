"""Views of the list of calls: kept by their maker, shown to everybody by those who may."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.admin.kit.writes import ReadOnlyAdmin
from metrics.models import SavedView
from metrics.models.views import MAX_QUERY

TO_SEE = "metrics.view_generationmetric"
TO_SHARE = "metrics.operate_savedview"
MAX_NAME = 80
LIST = "admin:metrics_generationmetric_changelist"


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    """Views as a table: one's own and the shared ones; the list of calls saves and removes them."""

    list_display = ("name", "owner", "is_shared", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[SavedView]":
        """Nobody sees what others keep for themselves."""
        return super().get_queryset(request).filter(Q(owner=request.user.pk) | Q(is_shared=True))


class ViewLink(Struct, frozen=True):
    """A view as the list shows it; `remove` is where it is removed, blank for who may not."""

    name: str
    address: str
    shared: bool
    remove: str


def saved_views_of(request: HttpRequest) -> list[ViewLink]:
    """This person's own views and the shared ones."""
    shares = request.user.has_perm(TO_SHARE)
    return [
        ViewLink(
            view.name,
            f"{reverse(LIST)}?{view.query}",
            view.is_shared,
            reverse("admin:metrics_view_remove", args=[view.pk])
            if view.owner_id == request.user.pk or (view.is_shared and shares)
            else "",
        )
        for view in SavedView.objects.filter(Q(owner=request.user.pk) | Q(is_shared=True))
    ]


def save_view(request: HttpRequest) -> HttpResponse:
    """Keep what the list shows now under a name; the same name again replaces it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(TO_SEE):
        raise PermissionDenied
    shared = request.POST.get("shared") == "on"
    if shared and not request.user.has_perm(TO_SHARE):
        raise PermissionDenied
    name = request.POST.get("name", "").strip()
    query = request.POST.get("query", "").lstrip("?")
    if not name or len(name) > MAX_NAME:
        messages.warning(
            request,
            gettext("name: enter a name of at most {number} characters.").format(number=MAX_NAME),
        )
    elif len(query) > MAX_QUERY:
        messages.warning(request, gettext("These filters are too long to save: use fewer of them."))
    else:
        SavedView.objects.update_or_create(
            owner_id=request.user.pk, name=name, defaults={"query": query, "is_shared": shared}
        )
        messages.success(request, gettext("Saved the view {name}.").format(name=name))
    return HttpResponseRedirect(f"{reverse(LIST)}?{query}")


def remove_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Forget one's own view, or a shared one if one may share."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    shared = Q(is_shared=True) if request.user.has_perm(TO_SHARE) else Q(pk__in=())
    found = SavedView.objects.filter(Q(owner=request.user.pk) | shared, pk=view_id).first()
    if found is None:
        raise PermissionDenied
    found.delete()
    messages.success(request, gettext("Removed the view {name}.").format(name=found.name))
    return HttpResponseRedirect(reverse(LIST))


def saved_views_urls() -> list[URLPattern]:
    """Where views are saved and removed."""
    protect = admin.site.admin_view
    return [
        path("views/", protect(save_view), name="metrics_view_save"),
        path("views/<int:view_id>/remove/", protect(remove_view), name="metrics_view_remove"),
    ]
