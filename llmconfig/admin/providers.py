"""Providers, with a key that can be entered and removed but never read."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.deletion import TellsUses
from llmconfig.admin.kit.provider_health import ShowsHealth
from llmconfig.admin.kit.theme import PasswordWidget, SwitchWidget, TabularInline, TextWidget
from llmconfig.admin.kit.writes import RevisionedAdmin
from llmconfig.admin.provider_words import discovery_summary, key_state, masked, status_badge
from llmconfig.configuration import provider_rules, retirement, secret_references
from llmconfig.configuration.uses import Use, uses_of_provider
from llmconfig.diagnostics import discovery
from llmconfig.diagnostics.discovery import ListingFailed
from llmconfig.errors import ChangeRefused
from llmconfig.models import Provider, ProviderModel
from llmconfig.models.providers import NAME_RULE
from llmconfig.secrets import Secret, check_storable

OPERATE = "llmconfig.operate_llmconfig"
ADDRESS_FIELDS = frozenset({"provider_type", "api_base_url", "secret_ref", "new_key", "remove_key"})


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A provider's row; the key goes in and never comes out."""

    new_key = forms.CharField(
        label=_("API key"),
        required=False,
        max_length=2000,
        strip=True,
        widget=PasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    remove_key = forms.BooleanField(
        label=_("Remove the stored key"),
        required=False,
        widget=SwitchWidget(),
        help_text=_("Deletes the key from the database when you save."),
    )
    reference_again = forms.CharField(
        label=_("Secret reference, again"),
        required=False,
        max_length=255,
        strip=True,
        widget=TextWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Needed when type, scheme, host or port changes: the secret is sent there."),
    )

    class Meta:
        model = Provider
        # The page's fieldsets name the rest; what is made there also knows the scheme to assume.
        fields = ("provider_type", "secret_ref")
        labels = {
            "provider_type": _("Type"),
            "api_base_url": _("Base URL"),
            "secret_ref": _("Secret reference"),
            "api_version": _("API version"),
            "timeout_seconds": _("Timeout"),
            "is_enabled": _("Enabled"),
        }
        # Django's own words speak of a “slug”, which nobody has to know.
        error_messages: ClassVar[dict[str, Any]] = {"name": {"invalid": NAME_RULE.message}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        self.fields["new_key"].help_text = (
            gettext(
                "Leave blank to keep {masked}. It is stored encrypted and never shown again."
            ).format(masked=masked(stored))
            if stored.api_key
            else gettext(
                "Stored encrypted and never shown again. Blank: none, or the reference below."
            )
        )

    def clean(self) -> dict[str, Any]:
        """The rules of llmconfig.configuration.provider_rules, each on the field it is about."""
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
            raise ChangeRefused(
                gettext("Enter a new key or remove the old one, not both."), field="api_key"
            )
        if given:
            provider_rules.check_key(cleaned["new_key"])
            check_storable()
        kind = cleaned.get("provider_type", self.instance.provider_type)
        address = cleaned.get("api_base_url", "")
        if {"provider_type", "api_base_url"} & self.errors.keys():
            return  # what can't be read can't be compared
        provider_rules.check_base_url(kind, address)
        secret_references.check(cleaned.get("secret_ref", ""))
        provider_rules.check_one_key_source(
            has_key=given or bool(self.instance.api_key and not removed),
            secret_ref=cleaned.get("secret_ref", ""),
        )
        provider_rules.refuse_key_for_new_host(
            self.instance,
            provider_type=kind,
            api_base_url=address,
            key_given=given or removed,
            reference_given=self._reference_given(cleaned),
        )

    def _reference_given(self, cleaned: dict[str, Any]) -> bool:
        """A form sends the stored reference along: given again it is in a field of its own."""
        reference, again = cleaned.get("secret_ref", ""), cleaned.get("reference_again", "")
        if again and again != reference:
            raise ChangeRefused(
                gettext(
                    "This is not the reference above: enter the same one, or leave this blank."
                ),
                field="reference_again",
            )
        return bool(again) or reference != self.instance.secret_ref


class ModelInline(TabularInline):
    """The provider's catalogue; prices are on each model's own page."""

    model = ProviderModel
    fields = ("model_id", "kind", "tier", "context_window", "max_output_tokens", "is_active")
    extra = 0
    per_page = 20
    show_change_link = True
    verbose_name_plural = _("Models (open one for its abilities and prices)")


@admin.register(Provider)
class ProviderAdmin(ShowsHealth, TellsUses, RevisionedAdmin):
    """Accounts at servers that serve models."""

    form = ProviderForm
    list_display = ("name", "type", "status", "key", "model_count", "priority", "weight")
    # The theme's own widget calls what was typed "currently".
    formfield_overrides = {models.URLField: {"assume_scheme": "https", "widget": TextWidget()}}
    list_filter = ("provider_type", "is_enabled")
    search_fields = ("name", "api_base_url")
    ordering = ("priority", "name")
    inlines = (ModelInline,)
    actions = ("test_selected", "discover_selected")
    change_form_outer_before_template = "nodewise/provider_connection.html"
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "provider_type", "api_base_url", "is_enabled"),
                "description": _(
                    "The name is the first part of model references such as "
                    "<code>openai/gpt-4o</code>."
                ),
            },
        ),
        (
            _("Key"),
            {
                "fields": ("new_key", "remove_key", "secret_ref"),
                "description": _(
                    "Enter the key here, or say where it is kept. Most local servers need none."
                ),
            },
        ),
        (_("Choosing among providers"), {"fields": ("priority", "weight")}),
        (
            _("Limits"),
            {
                "fields": ("max_concurrency", "requests_per_minute", "tokens_per_minute"),
                "description": _("Shared by all processes. Calls wait for their turn."),
            },
        ),
        (_("Details"), {"fields": ("api_version", "timeout_seconds", "hold_seconds")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the number of models, for the list."""
        return super().get_queryset(request).annotate(models_listed=Count("models"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """References and settings name a provider by its name: it stays."""
        return ("name", "key") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fields to enter a key only for who may; one to remove it only where there is one."""
        shown = super().get_fieldsets(request, obj)
        fields: tuple[str, ...] = ("new_key", "secret_ref")
        if obj is not None and not self.has_change_permission(request, obj):
            fields = ("key", "secret_ref")
        elif obj is not None and obj.api_key:
            fields = ("new_key", "remove_key", "secret_ref")
        elif obj is not None and obj.secret_ref:
            fields = ("new_key", "secret_ref", "reference_again")
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

    def has_test_permission(self, request: HttpRequest) -> bool:
        """Operators may; it changes no configuration."""
        return request.user.has_perm(OPERATE)

    def has_discover_permission(self, request: HttpRequest) -> bool:
        """Whoever may change providers and add to their catalogue."""
        return self.has_change_permission(request) and request.user.has_perm(
            "llmconfig.add_providermodel"
        )

    def uses(self, row: Any) -> list[Use]:
        """What names the provider and would miss it."""
        return uses_of_provider(row)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<uuid:provider_id>/{verb}/",
                self.admin_site.admin_view(view),
                name=f"llmconfig_provider_{verb}",
            )
            for verb, view in (("test", self.test_view), ("discover", self.discover_view))
        ] + super().get_urls()

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """To the new provider's page: its buttons are the next step."""
        return HttpResponseRedirect(reverse("admin:llmconfig_provider_change", args=[obj.pk]))

    def test_view(self, request: HttpRequest, provider_id: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_test_permission(request):
            raise PermissionDenied
        provider = get_object_or_404(Provider, pk=provider_id)
        self.test_selected(request, [provider])
        return _back(request, provider)

    def discover_view(self, request: HttpRequest, provider_id: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_discover_permission(request):
            raise PermissionDenied
        provider = get_object_or_404(Provider, pk=provider_id)
        self.discover_selected(request, [provider])
        return _back(request, provider)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """No transaction is open while providers are asked; discovery makes its own revision."""
        if request.POST.get("action") in self.actions:
            return super(RevisionedAdmin, self).changelist_view(request, extra_context)
        return super().changelist_view(request, extra_context)

    @admin.action(description=_("Test connection"), permissions=["test"])
    def test_selected(self, request: HttpRequest, queryset: Iterable[Provider]) -> None:
        """Ask each for its list of models, which no provider bills."""
        for provider in queryset:
            result = discovery.check_provider(provider)
            if result.ok:
                told = ngettext(
                    "{provider}: the connection works; it lists {number} model.",
                    "{provider}: the connection works; it lists {number} models.",
                    result.models_seen or 0,
                ).format(provider=provider, number=result.models_seen)
                messages.success(request, told)
            else:
                messages.error(request, _of(provider, result.detail))

    @admin.action(description=_("Discover models"), permissions=["discover"])
    def discover_selected(self, request: HttpRequest, queryset: Iterable[Provider]) -> None:
        """Add what each lists to the catalogue, one revision for each provider."""
        user = request.user if request.user.is_authenticated else None
        for provider in queryset:
            try:
                found = discovery.discover_models(provider, source="admin", user=user)
            except ListingFailed as failure:
                messages.error(request, _of(provider, str(failure)))
                continue
            messages.success(request, discovery_summary(provider, found))
            for model in retirement.retiring_models().filter(provider=provider):
                messages.warning(
                    request,
                    gettext("{model} {retires}: choose another model in time.").format(
                        model=model, retires=retirement.describe(model.retires_at)
                    ),
                )

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the connection's state and its buttons; a new provider has none yet."""
        super().fill_page(request, obj, context)
        if isinstance(obj, Provider):
            context["connection"] = {
                "provider": obj,
                "status": status_badge(obj),
                "may_test": self.has_test_permission(request),
                "may_discover": self.has_discover_permission(request),
                "models": obj.models.count(),
                "retiring": [
                    (model, retirement.describe(model.retires_at))
                    for model in retirement.retiring_models().filter(provider=obj)
                ],
            }

    @admin.display(description=_("Type"), ordering="provider_type")
    def type(self, provider: Provider) -> str:
        return provider.get_provider_type_display().partition(" (")[0]

    @admin.display(description=_("Status"))
    def status(self, provider: Provider) -> SafeString:
        """On or off, and what the last test of the connection said."""
        return status_badge(provider)

    @admin.display(description=_("Key"))
    def key(self, provider: Provider) -> SafeString:
        """Which key there is, never the key."""
        return key_state(provider)

    @admin.display(description=_("Models"), ordering="models_listed")
    def model_count(self, provider: Any) -> int:
        """How many models are in the catalogue."""
        return int(provider.models_listed)


def _back(request: HttpRequest, provider: Provider) -> HttpResponse:
    """To the page whose button was pressed."""
    if request.POST.get("from") == "settings":
        return HttpResponseRedirect(f"{reverse('admin:llm_settings')}?tab=providers")
    return HttpResponseRedirect(reverse("admin:llmconfig_provider_change", args=[provider.pk]))


def _of(provider: Provider, failure: str) -> str:
    """A failure with its provider's name, which some begin with."""
    return failure if failure.startswith(provider.name) else f"{provider}: {failure}"
