"""Who may sign in: users, roles (groups) and API tokens."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.authtoken.models import TokenProxy
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from llmconfig.admin.kit.dashboard import register_widget
from llmconfig.admin.kit.navigation import Page, Section, register_section
from llmconfig.admin.kit.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.roles import RANK, READER, group_name, role_of_group
from project.access import manages_everybody, role_groups
from project.overview import surroundings_widget

register_widget(surroundings_widget, rank=1)
# The stock pages of these apps are registered before ours and don't wear the theme.
for model in (User, Group, TokenProxy):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(StockUserAdmin, RevisionedAdmin):  # type: ignore[type-arg,misc]  # generic only for the checker
    """People; deleting one deletes their own model choices, which is a revision."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "is_superuser", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (
            _("Role"),
            {
                "fields": ("is_active", "is_staff", "groups", "is_superuser"),
                "description": _(
                    "Groups are roles: a viewer reads everything but secrets and"
                    " texts, an operator also runs batches, an administrator also changes the"
                    " configuration and manages people; a reader also reads prompts and answers."
                    " Staff may sign in here; superusers may do everything."
                ),
            },
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers are changed by superusers alone, their passwords too."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (manages_everybody(request) or not getattr(obj, "is_superuser", False))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody makes a superuser but a superuser."""
        found = super().get_readonly_fields(request, obj)
        return found if manages_everybody(request) else (*found, "is_superuser")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Administrators give roles, and no other groups of the project."""
        if db_field.name == "groups" and not manages_everybody(request):
            kwargs["queryset"] = role_groups()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Groups that the form didn't offer stay as they are."""
        person = form.instance
        if manages_everybody(request) or not change:
            super().save_related(request, form, formsets, change)
            return
        kept = list(person.groups.exclude(pk__in=role_groups()))
        super().save_related(request, form, formsets, change)
        person.groups.add(*kept)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the groups, for the list."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("Role"))
    def roles(self, user: User) -> str:
        """The highest role; superusers need none."""
        if user.is_superuser:
            return gettext("superuser")
        held = (role_of_group(each.name) for each in user.groups.all())
        return max(filter(None, held), key=RANK.__getitem__, default=gettext("none"))


# Django's names of what each table's four permissions open are English.
STOCK_PERMISSIONS = {
    "add": _("Can add"),
    "change": _("Can change"),
    "delete": _("Can delete"),
    "view": _("Can view"),
}


class PermissionField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # generic only for the checker
    """Permissions in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        verb, _between, table = obj.codename.partition("_")
        stock = STOCK_PERMISSIONS.get(verb) if table == obj.content_type.model else None
        return f"{obj.content_type} | {stock or gettext(obj.name)}"


@admin.register(Group)
class GroupAdmin(StockGroupAdmin, RevisionedAdmin):
    """Roles. The three that ship are kept in step with every migration."""

    list_display = ("name", "meaning")

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        if db_field.name == "permissions":
            kwargs["form_class"] = PermissionField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("May"))
    def meaning(self, group: Group) -> str:
        if group.name == group_name(READER):
            return gettext("also reads prompts and answers")
        role = role_of_group(group.name)
        return role.label.partition(": ")[2] if role else ""


@admin.register(TokenProxy)
class TokenAdmin(ReadOnlyAdmin):
    """API tokens: shown in full once, when they are made.

    A token's text is its row's key and its name, so it has no page of its own, and neither links,
    check boxes nor the log may use that key.
    """

    list_display = ("user", "ending", "created")
    list_display_links = None
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user",)
    raw_id_fields = ("user",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("authtoken.add_tokenproxy")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authtoken.delete_tokenproxy")

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> None:
        return

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return super().log_addition(request, obj.user, "Made an API token.")

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        messages.warning(
            request,
            gettext("Token of {user}: {key} . Copy it now: it is not shown again.").format(
                user=obj.user, key=obj.key
            ),
        )
        return HttpResponseRedirect(reverse("admin:authtoken_tokenproxy_changelist"))

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """The check boxes hold the users' ids."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if self.has_revoke_permission(request):
            self.revoke(request, queryset.filter(user_id__in=chosen))
        return HttpResponseRedirect(request.get_full_path())

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        """Whoever uses them is refused from now on."""
        number, _ = queryset.delete()
        messages.success(request, gettext("{number} revoked.").format(number=number))

    @admin.display(description=_("Token"))
    def ending(self, token: Any) -> str:
        """Its end, to recognise it by."""
        return f"••••{token.key[-4:]}"


register_section(
    Section(
        _("Access"),
        90,
        (
            Page(_("Users"), "group", "admin:auth_user_changelist", "auth.view_user"),
            Page(_("Roles"), "badge", "admin:auth_group_changelist", "auth.view_group"),
            Page(
                _("API tokens"), "key", "admin:authtoken_tokenproxy_changelist",
                "authtoken.view_tokenproxy",
            ),
        ),
    )
)  # fmt: skip
