"""Providers, with a key that can be entered and removed but never read."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from llmconfig import providers
from llmconfig.admin.presentation import NOTHING, badge
from llmconfig.admin.theme import PasswordWidget, SwitchWidget, TabularInline
from llmconfig.admin.writes import RevisionedAdmin
from llmconfig.errors import ChangeRefused
from llmconfig.models import Provider, ProviderModel
from llmconfig.models.providers import KEYLESS_TYPES
from llmconfig.secrets import Secret

ADDRESS_FIELDS = frozenset({"provider_type", "api_base_url", "secret_ref", "new_key", "remove_key"})


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A provider's row; the key goes in and never comes out."""

    new_key = forms.CharField(
        label="API key",
        required=False,
        max_length=2000,
        strip=True,
        widget=PasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    remove_key = forms.BooleanField(
        label="Remove the stored key",
        required=False,
        widget=SwitchWidget(),
        help_text="Deletes the key from the database when you save.",
    )

    class Meta:
        model = Provider
        # The page's fieldsets name the rest; what is made there also knows the scheme to assume.
        fields = ("provider_type", "secret_ref")
        labels = {
            "provider_type": "Type",
            "api_base_url": "Base URL",
            "secret_ref": "Secret reference",
            "api_version": "API version",
            "timeout_seconds": "Timeout",
            "is_enabled": "Enabled",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        self.fields["new_key"].help_text = (
            f"Leave blank to keep {masked(stored)}. It is stored encrypted and never shown again."
            if stored.api_key
            else "Stored encrypted and never shown again. Blank: none, or the reference below."
        )

    def clean(self) -> dict[str, Any]:
        """The rules of llmconfig.providers, each on the field it is about."""
        cleaned = super().clean() or {}
        try:
            self._check(cleaned)
        except ChangeRefused as refusal:
            # A viewer's form has no field for the key; the rule still holds.
            self.add_error({"api_key": "new_key"}.get(refusal.field, refusal.field), str(refusal))
        return cleaned

    def _check(self, cleaned: dict[str, Any]) -> None:
        given, removed = bool(cleaned.get("new_key")), bool(cleaned.get("remove_key"))
        if given and removed:
            raise ChangeRefused("Enter a new key or remove the old one, not both.", field="api_key")
        kind = cleaned.get("provider_type", self.instance.provider_type)
        address = cleaned.get("api_base_url", "")
        if {"provider_type", "api_base_url"} & self.errors.keys():
            return  # what can't be read can't be compared
        providers.check_base_url(kind, address)
        providers.check_secret_ref(cleaned.get("secret_ref", ""))
        providers.check_one_key_source(
            has_key=given or bool(self.instance.api_key and not removed),
            secret_ref=cleaned.get("secret_ref", ""),
        )
        providers.refuse_key_for_new_host(
            self.instance, provider_type=kind, api_base_url=address, key_given=given or removed
        )


def masked(provider: Provider) -> str:
    """How a stored key is named: by its end."""
    return f"••••{provider.key_last4}"


class ModelInline(TabularInline):
    """The provider's catalogue; prices are on each model's own page."""

    model = ProviderModel
    fields = ("model_id", "kind", "tier", "context_window", "max_output_tokens", "is_active")
    extra = 0
    per_page = 20
    show_change_link = True
    verbose_name_plural = "Models (open one for its abilities and prices)"


@admin.register(Provider)
class ProviderAdmin(RevisionedAdmin):
    """Accounts at servers that serve models."""

    form = ProviderForm
    list_display = ("name", "type", "status", "key", "model_count", "priority", "weight")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    list_filter = ("provider_type", "is_enabled")
    search_fields = ("name", "api_base_url")
    ordering = ("priority", "name")
    inlines = (ModelInline,)
    readonly_fields = ("last_test",)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "provider_type", "api_base_url", "is_enabled"),
                "description": "Who is called. The name is the first part of model references such"
                " as <code>openai/gpt-4o</code>.",
            },
        ),
        (
            "Key",
            {
                "fields": ("new_key", "remove_key", "secret_ref"),
                "description": "Enter the key here, or say where it is kept. Local servers mostly"
                " need none.",
            },
        ),
        ("Choice among providers", {"fields": ("priority", "weight")}),
        ("Details", {"fields": ("api_version", "timeout_seconds", "last_test")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the number of models, for the list."""
        return super().get_queryset(request).annotate(models_listed=Count("models"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """References and settings name a provider by its name: it stays."""
        return ("name", "key", "last_test") if obj else ("last_test",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fields to enter a key only for who may; one to remove it only where there is one."""
        shown = super().get_fieldsets(request, obj)
        fields: tuple[str, ...] = ("new_key", "secret_ref")
        if obj is not None and not self.has_change_permission(request, obj):
            fields = ("key", "secret_ref")
        elif obj is not None and obj.api_key:
            fields = ("new_key", "remove_key", "secret_ref")
        return tuple(
            (name, {**part, "fields": fields} if name == "Key" else part) for name, part in shown
        )

    def dependent_rows(self, obj: Any) -> Iterable[Model]:
        """The catalogue is edited on the same page."""
        return ProviderModel.objects.filter(provider=obj).only("pk")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store or remove the key; what a test once found no longer holds for another address."""
        key = form.cleaned_data.get("new_key", "")
        if key or form.cleaned_data.get("remove_key"):
            obj.set_key(Secret(key))
        if ADDRESS_FIELDS & set(form.changed_data):
            obj.validated_at, obj.validation_error = None, ""
        super().save_model(request, obj, form, change)

    @admin.display(description="Type", ordering="provider_type")
    def type(self, provider: Provider) -> str:
        """The type in words, short."""
        return provider.get_provider_type_display().partition(" (")[0]

    @admin.display(description="Status")
    def status(self, provider: Provider) -> SafeString:
        """On or off, and what the last test of the connection said."""
        return status_badge(provider)

    @admin.display(description="Key")
    def key(self, provider: Provider) -> SafeString:
        """Which key there is, never the key."""
        return key_state(provider)

    @admin.display(description="Models", ordering="models_listed")
    def model_count(self, provider: Any) -> int:
        """How many models are in the catalogue."""
        return int(provider.models_listed)

    @admin.display(description="Last test")
    def last_test(self, provider: Provider) -> Any:
        """When the connection was last tested, and what came of it."""
        if provider.validation_error:
            return format_html("{} {}", badge("failed", "danger"), provider.validation_error)
        return provider.validated_at or "Never tested."


def status_badge(provider: Provider) -> SafeString:
    """One word for a provider's state."""
    if not provider.is_enabled:
        return badge("off")
    if provider.validation_error:
        return badge("failed", "danger")
    if not (provider.api_key or provider.secret_ref or provider.provider_type in KEYLESS_TYPES):
        return badge("no key", "warning")
    return badge("works", "good") if provider.validated_at else badge("not tested", "info")


def key_state(provider: Provider) -> SafeString:
    """`••••1234`, the reference, or a dash."""
    if provider.api_key:
        return format_html("<code>{}</code>", masked(provider))
    if provider.secret_ref:
        return format_html("<code>{}</code>", provider.secret_ref)
    return NOTHING
