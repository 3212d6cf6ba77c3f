"""What providers serve, and for how much."""

import uuid
from typing import TYPE_CHECKING, Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from llmconfig.models.providers import Provider
from llmconfig.models.synced import synced_values_field

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PRICE_HELP = _("US dollars per million tokens. Blank means unknown, which is not the same as 0.")


class ModelKind(models.TextChoices):
    """What a model produces: chat answers or embeddings."""

    CHAT = "chat", _("Chat")
    EMBEDDING = "embedding", _("Embedding")


class PriceSource(models.TextChoices):
    """Where a price comes from; manual ones win."""

    MANUAL = "manual", _("Entered by a person")
    GENAI_PRICES = "genai-prices", "genai-prices"
    SUGGESTED = "suggested", _("Suggested by genai-prices, not confirmed")


class ProviderModel(models.Model):
    """One model in a provider's catalogue, with what it can do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    model_id = models.CharField(
        max_length=200,
        help_text=_("The provider's own name for it; on Azure, the deployment's name."),
    )
    kind = models.CharField(
        max_length=10, choices=ModelKind, default=ModelKind.CHAT, help_text=_("Chat or embedding.")
    )
    tier = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text=_(
            "local, cloud_fast, cloud_premium or one of your own; "
            "<code>tier:cloud_fast</code> refers to the tier's one active model."
        ),
    )
    context_window = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Most tokens of prompt and answer together.")
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Most tokens of one answer.")
    )
    supports_streaming = models.BooleanField(
        default=True, help_text=_("Can send answers as they are written.")
    )
    supports_temperature = models.BooleanField(
        default=True,
        help_text=_("Off: the temperature is left out, and the call's record says so."),
    )
    supports_json_schema = models.BooleanField(
        default=False,
        help_text=_("Follows a JSON schema itself; otherwise answers are checked here."),
    )
    supports_tools = models.BooleanField(default=False, help_text=_("Can call tools."))
    supports_logprobs = models.BooleanField(
        _("log probabilities"),
        default=False,
        help_text=_(
            "Reports how likely each token was when <code>logprobs</code> asks for it; tags"
            " and entities take their confidence from that."
        ),
    )
    is_active = models.BooleanField(
        default=True, help_text=_("Off: the model is listed but never used.")
    )
    retires_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "When its provider stops serving it. Discovery fills this in when the provider "
            "announces it. Blank: not announced."
        ),
    )
    synced_values = synced_values_field()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_provider_models"
        ordering = ["provider", "model_id"]
        constraints = [
            models.UniqueConstraint(
                name="llm_provider_models_unique", fields=["provider", "model_id"]
            ),
            models.UniqueConstraint(
                name="llm_provider_models_one_active_per_tier",
                fields=["tier"],
                condition=models.Q(is_active=True, tier__isnull=False),
                violation_error_message=_(
                    "Another active model has this tier; a tier can have only one."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.model_id}"


RATE_FIELDS = (
    "input_per_1m", "output_per_1m", "cached_input_per_1m", "cache_write_per_1m",
    "cache_write_1h_per_1m", "reasoning_per_1m", "audio_input_per_1m", "audio_cached_per_1m",
    "audio_output_per_1m", "image_input_per_1m", "image_cached_per_1m", "image_output_per_1m",
    "audio_per_hour", "web_search_per_1k", "request_per_1k",
)  # fmt: skip
CONDITION_FIELDS = ("service_tier", "above_prompt_tokens", "hours_from", "hours_until")


def _not_negative() -> models.Q:
    found = models.Q()
    for name in RATE_FIELDS:
        found &= models.Q(**{f"{name}__isnull": True}) | models.Q(**{f"{name}__gte": 0})
    return found


def _rate(help_text: "StrPromise") -> "models.DecimalField[Any, Any]":
    return models.DecimalField(
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=help_text,
    )


class ModelPrice(models.Model):
    """What a model costs from a date on, always or under conditions.

    The newest row without conditions that has begun is in force, a person's before any other. Rows
    with conditions complete it: those that have begun since, and a person's. A newer row without
    conditions ends them.
    """

    model = models.ForeignKey(ProviderModel, on_delete=models.CASCADE, related_name="prices")
    valid_from = models.DateTimeField(
        help_text=_("The price applies to calls from this moment on.")
    )
    service_tier = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        default="",
        help_text=_(
            "Only for calls that the provider serves at this tier: <code>priority</code>,"
            " <code>flex</code>, <code>fast</code>, or <code>batch</code> for its own batches."
            " Blank:"
            " the standard tier."
        ),
    )
    above_prompt_tokens = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text=_(
            "Only for prompts of more tokens than this; then the price applies to all "
            "tokens of the call. 0: any length."
        ),
    )
    hours_from = models.TimeField(
        null=True, blank=True, help_text=_("Only from this time of day on (UTC). Blank: always.")
    )
    hours_until = models.TimeField(
        null=True,
        blank=True,
        help_text=_("Until this time; if earlier than the start, on the next day."),
    )
    input_per_1m = _rate(format_lazy("{} {}", _("Prompt."), PRICE_HELP))
    output_per_1m = _rate(format_lazy("{} {}", _("Answer, reasoning included."), PRICE_HELP))
    cached_input_per_1m = _rate(
        _("Prompt tokens read from the provider's cache. Blank: same as other prompt tokens.")
    )
    cache_write_per_1m = _rate(
        _("Prompt tokens written to the provider's cache. Blank: same as other prompt tokens.")
    )
    cache_write_1h_per_1m = _rate(
        _("Prompt tokens written to the cache for an hour. Blank: twice the prompt's price.")
    )
    reasoning_per_1m = _rate(_("Reasoning tokens. Blank: same as the answer."))
    audio_input_per_1m = _rate(format_lazy("{} {}", _("Audio in the prompt."), PRICE_HELP))
    audio_cached_per_1m = _rate(_("Audio read from the cache. Blank: same as other audio."))
    audio_output_per_1m = _rate(format_lazy("{} {}", _("Audio in the answer."), PRICE_HELP))
    image_input_per_1m = _rate(_("Images in the prompt. Blank: same as other prompt tokens."))
    image_cached_per_1m = _rate(
        _("Images read from the cache. Blank: same as other cached tokens.")
    )
    image_output_per_1m = _rate(format_lazy("{} {}", _("Images in the answer."), PRICE_HELP))
    audio_per_hour = _rate(
        _("An hour of audio in the prompt, in US dollars, where it is billed by its length.")
    )
    web_search_per_1k = _rate(
        _("A thousand web searches that the provider makes, in US dollars. Blank: unknown.")
    )
    request_per_1k = _rate(_("A thousand requests, in US dollars, on top of their tokens."))
    source = models.CharField(max_length=20, choices=PriceSource, default=PriceSource.MANUAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "llm_model_prices"
        ordering = ["model", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                name="llm_model_prices_unique",
                fields=[
                    "model",
                    "valid_from",
                    "source",
                    "service_tier",
                    "above_prompt_tokens",
                    "hours_from",
                ],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="llm_model_prices_not_negative",
                condition=_not_negative(),
            ),
            models.CheckConstraint(
                name="llm_model_prices_both_hours",
                condition=models.Q(hours_from__isnull=True, hours_until__isnull=True)
                | models.Q(hours_from__isnull=False, hours_until__isnull=False),
                violation_error_message=_("Give both times of the day, or neither."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}, {self.valid_from:%Y-%m-%d}"


class RefusedParameter(models.Model):
    """A part of our requests that a model has refused, and that it isn't sent any more.

    Kept by model id, because models that no catalogue lists are asked as well.
    """

    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, related_name="refused_parameters"
    )
    model_id = models.CharField(max_length=200)
    parameter = models.CharField(
        max_length=80,
        help_text=_(
            "What is left out or sent as an alternative, such as <code>temperature</code> "
            "or <code>response_format:json_object</code>."
        ),
    )
    told = models.CharField(
        max_length=300, blank=True, help_text=_("The provider's own words when it refused.")
    )
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "llm_refused_parameters"
        ordering = ["provider", "model_id", "parameter"]
        constraints = [
            models.UniqueConstraint(
                name="llm_refused_parameters_unique", fields=["provider", "model_id", "parameter"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.model_id}: {self.parameter}"


class ContextWindow(models.Model):
    """`llm_context_windows`: a read-only view of the models that have a tier."""

    id = models.UUIDField(primary_key=True)
    tier = models.CharField(max_length=50)
    model_name = models.CharField(max_length=200)
    max_tokens = models.PositiveIntegerField(null=True)
    cost_per_1m_input_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_per_1m_output_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    supports_streaming = models.BooleanField()
    is_active = models.BooleanField()
    updated_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "llm_context_windows"
        ordering = ["tier"]

    def __str__(self) -> str:
        return f"{self.tier}: {self.model_name}"
