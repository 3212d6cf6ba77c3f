"""Keys for the compatible endpoint: made here, shown once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.key_page import key_context, rotate_view
from llmconfig.admin.kit.navigation import Page, Section, register_section
from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.theme import ModelAdmin, TextareaWidget
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.errors import ChangeRefused
from llmconfig.gateway.keys import Scope, check_expiry, check_scope, give_key
from llmconfig.models import GatewayKey, StoredResponse
from llmconfig.roles import username_field


class GatewayKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A key's row; the names must exist."""

    class Meta:
        model = GatewayKey
        fields = ("name", "user", "allows_everything", "names", "expires_at", "is_enabled")

    def clean(self) -> dict[str, Any]:
        """The rules of llmconfig.gateway.keys, on the field they are about."""
        cleaned = super().clean() or {}
        if "names" in cleaned and "allows_everything" in cleaned:
            try:
                check_scope(
                    Scope(
                        everything=cleaned["allows_everything"],
                        names=tuple(cleaned["names"] or ()),
                    )
                )
            except ChangeRefused as refusal:
                self.add_error(refusal.field, str(refusal))
        if self.instance.created_at is None:
            try:
                check_expiry(cleaned.get("expires_at"))
            except ChangeRefused as refusal:
                self.add_error(refusal.field, str(refusal))
        return cleaned


@admin.register(GatewayKey)
class GatewayKeyAdmin(RevisionedAdmin):
    """Who calls `/v1`, and what they may call there."""

    form = GatewayKeyForm
    change_form_outer_before_template = "nodewise/api_key.html"
    list_display = ("name", "state", "key", "may_call", "user", "expires_at", "last_used_at")
    list_filter = ("is_enabled", "allows_everything")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", f"user__{username_field()}")
    raw_id_fields = ("user",)
    formfield_overrides = {ArrayField: {"widget": TextareaWidget(attrs={"rows": 2})}}
    readonly_fields = ("key", "last_used_at")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "key", "is_enabled"),
                "description": _("The key is shown once, after you save."),
            },
        ),
        (_("Access"), {"fields": ("allows_everything", "names")}),
        (_("Owner and expiry"), {"fields": ("user", "expires_at", "last_used_at")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new row gets its key, which is shown now and never again."""
        made = None if change else give_key(obj)
        super().save_model(request, obj, form, change)
        if made is not None:
            messages.warning(
                request,
                gettext("Key for {name}: {key} . Copy it now: it is not shown again.").format(
                    name=obj.name, key=made.reveal()
                ),
            )

    def get_urls(self) -> list[URLPattern]:
        """With the address of the rotation."""
        view = self.admin_site.admin_view(rotate_view)
        rotation = path("<uuid:key_id>/rotate/", view, name="llm_key_rotate")
        return [rotation, *super().get_urls()]

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With what the key spends, how it is used, and its rotation."""
        if isinstance(obj, GatewayKey):
            context |= key_context(request, obj)

    @admin.display(description=_("State"))
    def state(self, row: GatewayKey) -> SafeString:
        if not row.is_enabled:
            return badge(gettext("off"))
        if row.expires_at is not None and row.expires_at <= timezone.now():
            return badge(gettext("expired"), "warning")
        if row.user is not None and not row.user.is_active:
            return badge(gettext("owner inactive"), "warning")
        return badge(gettext("on"), "good")

    @admin.display(description=_("Key"))
    def key(self, row: GatewayKey) -> str:
        """Its beginning, to recognise it by."""
        return f"{row.prefix}…" if row.prefix else gettext("created when you save")

    @admin.display(description=_("Access"))
    def may_call(self, row: GatewayKey) -> str:
        return gettext("everything") if row.allows_everything else ", ".join(row.names)


@admin.register(StoredResponse)
class StoredResponseAdmin(ModelAdmin):
    """Which responses are kept for whom, without what they say; they can be deleted."""

    list_display = ("name", "created_at", "key", "user", "continues")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = readonly_fields = ("name", "created_at", "key", "user", "continues")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Calls alone make them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What a model answered stays as it is."""
        return False

    @admin.display(description=_("Response"))
    def name(self, row: StoredResponse) -> str:
        """As clients call it."""
        return str(row)

    @admin.display(description=_("Key"))
    def key(self, row: StoredResponse) -> str:
        """The name of the key that asked, if it is still there."""
        found = GatewayKey.objects.filter(pk=row.key_id).first() if row.key_id else None
        return found.name if found is not None else "-"

    @admin.display(description=_("Continues"))
    def continues(self, row: StoredResponse) -> str:
        """The response before it."""
        return f"resp_{row.previous_id.hex}" if row.previous_id else "-"


register_section(
    Section(
        _("Endpoint"),
        80,
        (
            Page(
                _("API keys"),
                "vpn_key",
                "admin:llmconfig_gatewaykey_changelist",
                "llmconfig.view_gatewaykey",
            ),
            Page(
                _("Stored responses"),
                "history",
                "admin:llmconfig_storedresponse_changelist",
                "llmconfig.view_storedresponse",
            ),
        ),
    )
)
