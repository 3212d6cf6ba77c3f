"""Keys for the compatible endpoint `/v1`, and the responses that it keeps."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class GatewayKey(models.Model):
    """One key that an application calls `/v1` with; only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=100,
        unique=True,
        help_text=_("Who or what uses it, such as “website, production”."),
    )
    prefix = models.CharField(max_length=12, editable=False)
    # SHA-256 in hex; the key itself is random enough that nothing slower is needed.
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    # The key before the last rotation, which goes on opening until then.
    previous_hash = models.CharField(max_length=64, unique=True, null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="llm_gateway_keys",
        help_text=_("Whose overrides apply to its calls. The key stops working with this account."),
    )
    allows_everything = models.BooleanField(
        default=False,
        help_text=_("May call every node, every interaction type and any model directly."),
    )
    names = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text=_(
            "Otherwise: the nodes and interaction types that it may call, separated by commas."
        ),
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=_("It stops working then. Blank: never.")
    )
    is_enabled = models.BooleanField(
        default=True, help_text=_("Off: calls with it are refused, in at most two seconds.")
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_gateway_keys"
        ordering = ["name"]
        verbose_name = _("API key")
        constraints = [
            models.CheckConstraint(
                name="llm_gateway_keys_one_scope",
                condition=models.Q(allows_everything=True, names=[])
                | (models.Q(allows_everything=False) & ~models.Q(names=[])),
                violation_error_message=_("Name what it may call, or give full access; not both."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StoredResponse(models.Model):
    """One response of `/v1/responses` with what it answered, kept for LLM_RESPONSES_KEEP_DAYS."""

    id = models.UUIDField(primary_key=True, editable=False)
    created_at = models.DateTimeField(db_index=True)
    # The key that asked for it; without a constraint, so that a key's end waits for nothing.
    key_id = models.UUIDField(null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    previous_id = models.UUIDField(null=True)
    # JSON as bytes: jsonb takes no NUL, which is a valid character of JSON.
    input_items = models.BinaryField()
    response = models.BinaryField()

    class Meta:
        db_table = "llm_gateway_responses"
        verbose_name = _("stored response")

    def __str__(self) -> str:
        return f"resp_{self.pk.hex}"
