"""Accounts at servers that serve models."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from llmconfig import provider_types, secrets
from llmconfig.models.synced import synced_values_field

# A provider's name is the part before the first slash of a model reference.
NAME_RULE = RegexValidator(
    r"^[a-z0-9][a-z0-9_-]{0,49}$",
    _("Use lower-case letters, digits, - and _, at most 50, starting with a letter or digit."),
)
# Hosts without a dot too, such as a service of Docker Compose: http://ollama:11434/v1.
ADDRESS_RULE = RegexValidator(
    r"\A[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+(?:[/?#]\S*)?\Z",
    _("Enter a full address, such as https://models.example.com/v1."),
)


class Provider(models.Model):
    """One account at a server that serves models: its address, key, limits and rank."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.SlugField(
        max_length=50,
        unique=True,
        validators=[NAME_RULE],
        help_text=_("Short name used in model references, as in <code>openai/gpt-4o</code>."),
    )
    provider_type = models.CharField(
        max_length=20,
        choices=provider_types.choices,
        help_text=_("API dialect. Choose Custom for vLLM, TGI and LocalAI."),
    )
    api_base_url = models.CharField(
        max_length=255,
        blank=True,
        validators=[ADDRESS_RULE],
        help_text=_(
            "Address of the API. Blank: the vendor's own. Changing scheme, host or port "
            "requires the key again."
        ),
    )
    # Ciphertext; llmconfig.secrets reads and writes it, and forms and APIs only write it.
    api_key = models.TextField(blank=True, editable=False)
    key_last4 = models.CharField(max_length=4, blank=True, editable=False)
    key_fingerprint = models.CharField(max_length=16, blank=True, editable=False)
    secret_ref = models.CharField(
        max_length=255,
        blank=True,
        help_text=_(
            "Where the key is kept if not here: <code>env:OPENAI_API_KEY</code> or"
            " <code>file:/run/secrets/openai</code>."
        ),
    )
    api_version = models.CharField(
        max_length=40,
        blank=True,
        help_text=_(
            "Azure: the api-version of the deployment. Anthropic: the anthropic-version"
            " header. Blank: the default."
        ),
    )
    timeout_seconds = models.FloatField(
        default=600.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(3600)],
        help_text=_("Longest time for one request, in seconds."),
    )
    priority = models.PositiveSmallIntegerField(
        default=100,
        help_text=_(
            "Which provider is used first when several list the same model; 1 comes first."
        ),
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Share of the calls among providers of equal priority."),
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Most requests in any 60 seconds, over all processes. Blank: no limit."),
    )
    tokens_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Most tokens of prompts and answers in any 60 seconds, over all processes. "
            "Blank: no limit."
        ),
    )
    max_concurrency = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Most requests at a time, over all processes. Blank: as many as the provider accepts."
        ),
    )
    hold_seconds = models.FloatField(
        default=0.0,
        db_default=0.0,
        validators=[MinValueValidator(0), MaxValueValidator(600)],
        help_text=_(
            "How long a call at /v1 may be held while this provider is cooling down and no other"
            " can answer, in seconds. 0: it is refused at once."
        ),
    )
    is_enabled = models.BooleanField(
        default=True,
        help_text=_("Off: no call goes to this provider; the next one is used."),
    )
    validated_at = models.DateTimeField(null=True, blank=True, editable=False)
    validation_error = models.TextField(blank=True, editable=False)
    synced_values = synced_values_field()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_providers"
        ordering = ["priority", "name"]
        constraints = [
            models.CheckConstraint(
                name="llm_providers_one_key_source",
                condition=models.Q(api_key="") | models.Q(secret_ref=""),
                violation_error_message=_("Give a key or a secret reference, not both."),
            ),
            models.CheckConstraint(
                name="llm_providers_timeout_positive",
                condition=models.Q(timeout_seconds__gt=0),
            ),
            models.CheckConstraint(
                name="llm_providers_hold_range",
                condition=models.Q(hold_seconds__gte=0, hold_seconds__lte=600),
            ),
            models.CheckConstraint(
                name="llm_providers_weight_positive", condition=models.Q(weight__gte=1)
            ),
            models.CheckConstraint(
                name="llm_providers_limits_positive",
                condition=models.Q(
                    models.Q(requests_per_minute__isnull=True)
                    | models.Q(requests_per_minute__gte=1),
                    models.Q(tokens_per_minute__isnull=True) | models.Q(tokens_per_minute__gte=1),
                    models.Q(max_concurrency__isnull=True) | models.Q(max_concurrency__gte=1),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key_place(self) -> str:
        """What a stored key is bound to."""
        return f"llm_providers.api_key.{self.id}"

    def set_key(self, key: secrets.Secret) -> None:
        """Store a key in this row (not saved yet); a blank one removes it."""
        if not key:
            self.api_key = self.key_last4 = self.key_fingerprint = ""
            return
        if getattr(self, "pk", None) is None:
            # A form with dependent rows forgets a new row's id; the key is bound to it.
            self.id = uuid.uuid4()
        self.api_key = secrets.encrypt(key, place=self.key_place)
        self.key_last4 = secrets.last_four(key)
        self.key_fingerprint = secrets.fingerprint(key)
