"""Who is told of what, each message to them, and how each provider is doing."""

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from llmconfig import secrets

MAX_WINDOW_MINUTES = 7 * 24 * 60


class AlertChannel(models.TextChoices):
    """The ways that a message goes."""

    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook, signed")
    SLACK = "slack", _("Slack's incoming webhook")


class AlertRule(models.Model):
    """One kind of event, and who is told when it happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=100, unique=True, help_text=_("Shown in lists and messages.")
    )
    event = models.CharField(max_length=40, help_text=_("Which event it reports."))
    subject = models.CharField(
        max_length=200,
        blank=True,
        help_text=_(
            "Only the provider, budget, enrichment, key or model of this name. Blank: all."
        ),
    )
    channel = models.CharField(
        max_length=10, choices=AlertChannel, help_text=_("Where messages go.")
    )
    recipients = models.TextField(
        blank=True, help_text=_("E-mail addresses, separated by commas or line breaks.")
    )
    webhook_url = models.CharField(
        _("webhook address"),
        max_length=500,
        blank=True,
        help_text=_(
            "JSON is posted to this address. Addresses that aren't public need LLM_EGRESS_ALLOW."
        ),
    )
    # Ciphertext of the webhook's signing secret, or of Slack's address, which is one.
    secret = models.TextField(blank=True, editable=False)
    window_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_WINDOW_MINUTES)],
        help_text=_("The same event is reported once within this many minutes."),
    )
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: nothing is sent.")
    )
    active_since = models.DateTimeField(
        default=timezone.now,
        editable=False,
        help_text=_("When it was last enabled; earlier events are not reported."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "llm_alert_rules"
        ordering: ClassVar[list[str]] = ["name"]
        permissions = [("operate_alertrule", _("Can send a test of an alert rule"))]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="llm_alert_rules_window_range",
                condition=Q(window_minutes__gte=1, window_minutes__lte=MAX_WINDOW_MINUTES),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key_place(self) -> str:
        """What the stored secret is bound to."""
        return f"llm_alert_rules.secret.{self.id}"

    def set_secret(self, value: secrets.Secret) -> None:
        """Store a secret in this row (not saved yet); a blank one removes it."""
        self.secret = secrets.encrypt(value, place=self.key_place) if value else ""

    def read_secret(self) -> secrets.Secret | None:
        """The stored secret, None if there is none; raises SecretUnreadable."""
        return secrets.decrypt(self.secret, place=self.key_place) if self.secret else None


class DeliveryStatus(models.TextChoices):
    """How far a message has come."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Given up")


class AlertDelivery(models.Model):
    """One message of one rule: what it says, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    subject = models.CharField(
        max_length=200, help_text=_("The provider, budget, enrichment, key…")
    )
    level = models.CharField(
        max_length=100, blank=True, help_text=_("Which level, such as a budget's 80 %.")
    )
    occurrence = models.CharField(
        max_length=100, help_text=_("Distinguishes two of the same kind, such as by when it began.")
    )
    title = models.CharField(max_length=300)
    text = models.TextField()
    is_test = models.BooleanField(default=False, help_text=_("Sent by hand."))
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often it was tried."))
    next_attempt_at = models.DateTimeField(default=timezone.now)
    error = models.CharField(
        max_length=300, blank=True, help_text=_("Why the last attempt failed.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "llm_alert_deliveries"
        ordering: ClassVar[list[str]] = ["-created_at"]
        verbose_name_plural = _("alert deliveries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Also the index of the window: the latest of the same.
            models.UniqueConstraint(
                name="llm_alert_deliveries_once",
                fields=["rule", "event", "subject", "level", "occurrence"],
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # What is due.
            models.Index(
                fields=["next_attempt_at"],
                name="idx_alert_deliveries_due",
                condition=Q(status="waiting"),
            ),
            # The log, newest first.
            models.Index(fields=["-created_at"], name="idx_alert_deliveries_created"),
        ]

    def __str__(self) -> str:
        return self.title


class ProviderState(models.TextChoices):
    """What can be said of a provider."""

    UNKNOWN = "unknown", _("No calls yet")
    ANSWERING = "answering", _("Answering")
    FAILING = "failing", _("Failing")


class ProviderHealth(models.Model):
    """How a provider is doing, by its calls of the last 15 minutes and its cool-downs.

    No foreign key: a rollback deletes and restores providers as it needs.
    """

    provider = models.CharField(
        primary_key=True, max_length=50, help_text=_("The provider's name.")
    )
    state = models.CharField(max_length=10, choices=ProviderState, default=ProviderState.UNKNOWN)
    requests = models.PositiveIntegerField(default=0, help_text=_("Sent in the last 15 minutes."))
    errors = models.PositiveIntegerField(default=0, help_text=_("Failures caused by the provider."))
    cooling_until = models.DateTimeField(null=True, help_text=_("Blank: it can be used."))
    reason = models.CharField(max_length=300, blank=True, help_text=_("Of its last failure."))
    outage_began_at = models.DateTimeField(null=True, help_text=_("Of the last outage."))
    outage_ended_at = models.DateTimeField(null=True, help_text=_("Blank: ongoing, or none."))
    checked_at = models.DateTimeField(help_text=_("When this was found."))

    class Meta:
        db_table = "llm_provider_health"
        ordering: ClassVar[list[str]] = ["provider"]
        verbose_name_plural = _("provider health")

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_state_display()}"
