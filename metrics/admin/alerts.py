"""Who is told of what, with a button that sends a test, and the log of what was sent."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db.models import Max, Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from yarl import URL

from llmconfig.admin.kit.presentation import badge
from llmconfig.admin.kit.theme import ModelAdmin, PasswordWidget, SelectWidget, TextareaWidget
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.errors import ChangeRefused
from llmconfig.secrets import Secret, check_storable
from metrics.alerts import channels, events, sending
from metrics.models import AlertChannel, AlertDelivery, AlertRule, DeliveryStatus

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OPERATE = "metrics.operate_alertrule"
SECRETS = frozenset({"signing_secret", "slack_address"})
SHOWN = 10  # of a rule's last messages
TONES = {
    DeliveryStatus.WAITING: "info",
    DeliveryStatus.SENT: "good",
    DeliveryStatus.FAILED: "danger",
}


def secret_field(label: "StrOrPromise") -> forms.CharField:
    """A field for what goes in and never comes out."""
    attributes = {"autocomplete": "new-password", "spellcheck": "false"}
    widget = PasswordWidget(attrs=attributes)
    return forms.CharField(label=label, required=False, max_length=500, strip=True, widget=widget)


class AlertRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """A rule: each channel has what it needs, and nothing that it would not read."""

    signing_secret = secret_field(_("Signing secret"))
    slack_address = secret_field(_("Slack webhook address"))

    class Meta:
        model = AlertRule
        fields = ("event", "channel", "recipients", "webhook_url")
        labels = {
            "subject": _("Only for"),
            "window_minutes": _("Window in minutes"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "signing_secret" not in self.fields:
            return  # a viewer's form
        keep = [gettext("Leave blank to keep the stored one.")] if self.instance.secret else []
        signing = gettext(
            "For a webhook: random bytes in base64, as <code>openssl rand -base64 32</code> makes"
            " them. The receiver checks signatures with it. Stored encrypted and never shown."
        )
        slack = gettext(
            "For Slack: the address of its incoming webhook. Stored encrypted and never shown."
        )
        self.fields["signing_secret"].help_text = " ".join([*keep, signing])
        self.fields["slack_address"].help_text = " ".join([*keep, slack])

    def clean(self) -> dict[str, Any]:
        """Each refusal on the field it is about."""
        cleaned = super().clean() or {}
        channel = cleaned.get("channel", "")
        asked = {
            "recipients": (AlertChannel.EMAIL, _check_recipients),
            "webhook_url": (AlertChannel.WEBHOOK, _check_address),
            "signing_secret": (AlertChannel.WEBHOOK, _check_secret),
            "slack_address": (AlertChannel.SLACK, _check_address),
        }
        for name, (needs, check) in asked.items():
            if not channel or name in self.errors:
                continue
            value = cleaned.get(name, "")
            try:
                if channel == needs and not (self._keeps(name, channel) and not value):
                    check(value)
                    if name in SECRETS:
                        check_storable()
                elif channel != needs and value:
                    raise ValidationError(
                        gettext("Only for {channel}: leave it blank, or choose that.").format(
                            channel=AlertChannel(needs).label
                        )
                    )
            except ValidationError as error:
                self.add_error(name, error)
            except ChangeRefused as refusal:
                self.add_error(name, str(refusal))
        return cleaned

    def _keeps(self, name: str, channel: str) -> bool:
        """Whether what is stored may stay: of the same channel only."""
        stored = bool(self.instance.secret) and self.initial.get("channel") == channel
        return stored and name in SECRETS

    def new_secret(self) -> str:
        """What was entered for the channel; blank keeps what is stored."""
        entered = self.cleaned_data.get("signing_secret") or self.cleaned_data.get("slack_address")
        return str(entered or "")


def _check_recipients(value: str) -> None:
    named = channels.addresses(AlertRule(recipients=value))
    if not named:
        raise ValidationError(gettext("Enter at least one e-mail address."))
    for each in named:
        try:
            validate_email(each)
        except ValidationError:
            raise ValidationError(
                gettext("{address} is not an e-mail address.").format(address=each)
            ) from None


def _check_address(value: str) -> None:
    """Quotes nothing: Slack's address is a secret."""
    try:
        url = URL(value)
        usable = url.scheme in {"http", "https"} and bool(url.host) and not url.user
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or " " in value:
        raise ValidationError(
            gettext("Enter a whole address, such as https://hooks.example.com/alerts.")
        )


def _check_secret(value: str) -> None:
    try:
        channels.secret_bytes(Secret(value))
    except ValueError as error:
        raise ValidationError(str(error)) from None


@admin.register(AlertRule)
class AlertRuleAdmin(ModelAdmin):
    """The rules that say who is told of what."""

    form = AlertRuleForm
    list_display = ("name", "told", "filtered", "channel", "state", "last_told")
    list_filter = ("channel", "is_enabled")
    search_fields = ("name", "subject", "recipients")
    change_form_outer_before_template = "nodewise/alert_rule.html"
    fieldsets = (
        (None, {"fields": ("name", "is_enabled", "event", "subject", "window_minutes")}),
        (
            _("Channel"),
            {
                "fields": (
                    "channel",
                    "recipients",
                    "webhook_url",
                    "signing_secret",
                    "slack_address",
                ),
                "description": _(
                    "Failed messages are retried for several hours. No call waits for them."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With when each last had something to tell."""
        return super().get_queryset(request).annotate(told_at=Max("deliveries__created_at"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fields for secrets only for who may enter them."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return shown
        fields = ("channel", "recipients", "webhook_url")
        return tuple((name, {**part, "fields": fields} if name else part) for name, part in shown)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The kinds of events that there are, as a choice."""
        if db_field.name == "event":
            return forms.ChoiceField(
                label=gettext("Event"),
                choices=[("", gettext("Select value")), *events.choices()],
                widget=SelectWidget(),
                help_text=db_field.help_text,
            )
        if db_field.name == "recipients":
            kwargs["widget"] = TextareaWidget(attrs={"rows": 2})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the secret that the channel needs, and no other."""
        secret = form.new_secret()
        if secret:
            obj.set_secret(Secret(secret))
        elif "channel" in form.changed_data:
            obj.set_secret(Secret(""))
        if "is_enabled" in form.changed_data:
            obj.active_since = timezone.now()
        super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its messages go with a rule, without being named one by one."""
        _, counts, missing, protected = super().get_deleted_objects(objs, request)
        return (
            [str(each) for each in objs],
            counts,
            missing - {gettext("alert delivery")},
            protected,
        )

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators may send tests; it changes no configuration."""
        return request.user.has_perm(OPERATE)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test_view)
        return [
            path("<uuid:rule_id>/test/", view, name="metrics_alertrule_test"),
            *super().get_urls(),
        ]

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """To its page, where a test can be sent."""
        return _to_page(obj)

    def test_view(self, request: HttpRequest, rule_id: Any) -> HttpResponse:
        """“Send a test” was pressed: one message, at once, and what became of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_operate_permission(request):
            raise PermissionDenied
        rule = get_object_or_404(AlertRule, pk=rule_id)
        with translation.override("en"):  # messages have one language
            told = events.label_of(rule.event)
        error = sending.send_now(
            AlertDelivery.objects.create(
                rule=rule,
                event=rule.event,
                subject=rule.subject,
                occurrence=str(uuid4()),
                title=f"Test of the alert rule {rule.name}",
                text=f"This is a test. The rule tells when: {told}.",
                is_test=True,
                # Its worker is this request: no other may send it as well.
                next_attempt_at=timezone.now() + sending.CLAIM,
            )
        )
        if error:
            messages.error(
                request, gettext("The test was not delivered: {error}").format(error=error)
            )
        else:
            messages.success(request, gettext("The test was delivered."))
        return _to_page(rule)

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With its button and its last messages; a new rule has none yet."""
        if isinstance(obj, AlertRule):
            log = reverse("admin:metrics_alertdelivery_changelist")
            context["alert_rule"] = {
                "rule": obj,
                "event": events.label_of(obj.event),
                "may_test": self.has_operate_permission(request),
                "log_url": f"{log}?rule__id__exact={obj.pk}",
                "messages": [(each, status_badge(each)) for each in obj.deliveries.all()[:SHOWN]],
            }

    @admin.display(description=_("Event"), ordering="event")
    def told(self, rule: AlertRule) -> str:
        return events.label_of(rule.event)

    @admin.display(description=_("Only for"), ordering="subject")
    def filtered(self, rule: AlertRule) -> str:
        return rule.subject or gettext("all")

    @admin.display(description=_("State"), ordering="is_enabled")
    def state(self, rule: AlertRule) -> SafeString:
        return badge(gettext("on"), "good") if rule.is_enabled else badge(gettext("off"))

    @admin.display(description=_("Last alert"), ordering="told_at")
    def last_told(self, rule: Any) -> Any:
        return rule.told_at


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnlyAdmin):
    """The messages of all rules, newest first."""

    list_display = ("title", "rule", "outcome", "attempts", "error", "created_at", "sent_at")
    list_filter = ("status", "rule", "is_test")
    list_select_related = ("rule",)
    search_fields = ("title", "subject")
    show_full_result_count = False
    actions = ("send_again",)
    fields = (
        "title", "text", "rule", "subject", "status", "attempts", "next_attempt_at", "error",
        "created_at", "sent_at", "is_test",
    )  # fmt: skip

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators may have messages sent again."""
        return request.user.has_perm(OPERATE)

    @admin.action(description=_("Resend messages given up on"), permissions=["operate"])
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        """A worker tries them anew, as often as the first time."""
        number = queryset.filter(status=DeliveryStatus.FAILED).update(
            status=DeliveryStatus.WAITING, attempts=0, next_attempt_at=timezone.now()
        )
        messages.success(
            request,
            ngettext(
                "{number} will be sent again within seconds.",
                "{number} will be sent again within seconds.",
                number,
            ).format(number=number),
        )

    @admin.display(description=_("Status"), ordering="status")
    def outcome(self, delivery: AlertDelivery) -> SafeString:
        return status_badge(delivery)


def status_badge(delivery: AlertDelivery) -> SafeString:
    """How far a message has come, in a word."""
    status = DeliveryStatus(delivery.status)
    return badge(status.label.lower(), TONES[status])


def _to_page(rule: AlertRule) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:metrics_alertrule_change", args=[rule.pk]))
