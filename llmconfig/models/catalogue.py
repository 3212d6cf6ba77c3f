"""What providers serve, and for how much."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models

from llmconfig.models.providers import Provider

PRICE_HELP = "US dollars per million tokens. Blank means unknown, which is not the same as 0."


class ModelKind(models.TextChoices):
    """What a model produces."""

    CHAT = "chat", "Chat"
    EMBEDDING = "embedding", "Embedding"


class PriceSource(models.TextChoices):
    """Where a price comes from; manual ones win."""

    MANUAL = "manual", "Entered by a person"
    GENAI_PRICES = "genai-prices", "genai-prices"


class ProviderModel(models.Model):
    """One model in a provider's catalogue, with what it can do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    model_id = models.CharField(
        max_length=200, help_text="The provider's own name for it; on Azure the deployment."
    )
    kind = models.CharField(
        max_length=10, choices=ModelKind, default=ModelKind.CHAT, help_text="Chat or embedding."
    )
    tier = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text="local, cloud_fast, cloud_premium or one of your own; a reference"
        " <code>tier:cloud_fast</code> means the tier's one active model.",
    )
    context_window = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tokens that prompt and answer may have together."
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, help_text="The most tokens that one answer may have."
    )
    supports_streaming = models.BooleanField(default=True, help_text="Can send word by word.")
    supports_temperature = models.BooleanField(
        default=True, help_text="Off: a temperature is dropped, and the call's record says so."
    )
    supports_json_schema = models.BooleanField(
        default=False, help_text="Obeys a JSON schema by itself; else answers are checked here."
    )
    supports_tools = models.BooleanField(default=False, help_text="Can call tools.")
    supports_logprobs = models.BooleanField(
        "supports log-probabilities",
        default=False,
        help_text="Tells how likely each token of its answer was, when <code>logprobs</code> asks"
        " for it; tags and entities take their confidence from that.",
    )
    is_active = models.BooleanField(
        default=True, help_text="Off: the model is known but never chosen."
    )
    retires_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its provider stops serving it. Discovery enters what a provider announces."
        " Blank: not announced.",
    )
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
                violation_error_message="Another active model has this tier; a tier has one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.model_id}"


class ModelPrice(models.Model):
    """What a model costs from a date on; the newest row that has begun is in force."""

    model = models.ForeignKey(ProviderModel, on_delete=models.CASCADE, related_name="prices")
    valid_from = models.DateTimeField(help_text="The price holds for calls from this moment on.")
    input_per_1m = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(0)], help_text=f"Prompt. {PRICE_HELP}",
    )  # fmt: skip
    output_per_1m = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(0)], help_text=f"Answer, reasoning included. {PRICE_HELP}",
    )  # fmt: skip
    cached_input_per_1m = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(0)],
        help_text="Prompt tokens read from the provider's cache. Blank: as other prompt tokens.",
    )  # fmt: skip
    cache_write_per_1m = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(0)],
        help_text="Prompt tokens written to the provider's cache. Blank: as other prompt tokens.",
    )  # fmt: skip
    source = models.CharField(max_length=20, choices=PriceSource, default=PriceSource.MANUAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "llm_model_prices"
        ordering = ["model", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                name="llm_model_prices_unique", fields=["model", "valid_from", "source"]
            ),
            models.CheckConstraint(
                name="llm_model_prices_not_negative",
                condition=models.Q(
                    models.Q(input_per_1m__isnull=True) | models.Q(input_per_1m__gte=0),
                    models.Q(output_per_1m__isnull=True) | models.Q(output_per_1m__gte=0),
                    models.Q(cached_input_per_1m__isnull=True)
                    | models.Q(cached_input_per_1m__gte=0),
                    models.Q(cache_write_per_1m__isnull=True) | models.Q(cache_write_per_1m__gte=0),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%Y-%m-%d}"


class ContextWindow(models.Model):
    """Seed 4's `llm_context_windows`: a read-only view of the models that have a tier."""

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
