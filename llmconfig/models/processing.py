"""`LLMConfig`, the one row of processing settings: what runs, with how much, the last fallbacks."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.models.assignments import allow_unlisted_field
from llmconfig.models.providers import Provider

SINGLE_ROW_ID = 1
CONFIDENCE_RULES = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class LLMConfig(models.Model):
    """The processing settings; there is exactly one row, made by `seed_llm_config`."""

    id = models.PositiveSmallIntegerField(
        primary_key=True, default=SINGLE_ROW_ID, db_default=SINGLE_ROW_ID, editable=False
    )
    provider = models.ForeignKey(
        Provider,
        to_field="name",
        db_column="provider",
        default="local",
        db_default="local",
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Used when nothing more specific names a provider."),
    )
    model_tagger = models.CharField(
        max_length=100,
        blank=True,
        default="phi3",
        db_default="phi3",
        help_text=_("Model for tagging, unless set elsewhere. Blank: LLM_DEFAULT_MODEL."),
    )
    model_enricher = models.CharField(
        max_length=100,
        blank=True,
        default="llama3",
        db_default="llama3",
        help_text=_("Model for enrichment, unless set elsewhere. Blank: LLM_DEFAULT_MODEL."),
    )
    model_analytics = models.CharField(
        max_length=100,
        blank=True,
        default="llama3",
        db_default="llama3",
        help_text=_("Model for analytics, unless set elsewhere. Blank: LLM_DEFAULT_MODEL."),
    )
    model_responder = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        help_text=_("Model for answers to people. Blank: the enricher's."),
    )
    enabled = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Master switch. Off: every call is refused with a clear error."),
    )
    auto_tagging = models.BooleanField(
        default=True, db_default=True, help_text=_("Tag new and changed rows automatically.")
    )
    auto_enrichment = models.BooleanField(
        default=True, db_default=True, help_text=_("Enrich new and changed rows automatically.")
    )
    external_enrichment = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Let prompts use facts from configured HTTP sources."),
    )
    max_retries = models.PositiveSmallIntegerField(
        default=3, db_default=3, help_text=_("How often a batch retries its failed rows.")
    )
    retry_delay = models.PositiveIntegerField(
        default=300, db_default=300, help_text=_("Seconds until such a retry.")
    )
    backup_provider = models.ForeignKey(
        Provider,
        to_field="name",
        db_column="backup_provider",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The provider tried when all others have failed."),
    )
    backup_model = models.CharField(
        max_length=100, null=True, blank=True, help_text=_("The model used there.")
    )
    batch_size = models.PositiveSmallIntegerField(
        default=5,
        db_default=5,
        validators=[MinValueValidator(1)],
        help_text=_("How many finished rows are written to the database at once."),
    )
    concurrent_tasks = models.PositiveSmallIntegerField(
        default=2,
        db_default=2,
        validators=[MinValueValidator(1)],
        help_text=_("Worker tasks that work on one batch at a time."),
    )
    cache_responses = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_("Answer identical requests from the response cache."),
    )
    min_confidence_tagging = models.FloatField(
        default=0.7,
        db_default=0.7,
        validators=CONFIDENCE_RULES,
        help_text=_("Tags below this wait for review."),
    )
    min_confidence_entity = models.FloatField(
        default=0.8,
        db_default=0.8,
        validators=CONFIDENCE_RULES,
        help_text=_("Entities below this wait for review."),
    )
    allow_unlisted_models = allow_unlisted_field()
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        db_table = "llm_config"
        verbose_name = verbose_name_plural = _("processing settings")
        permissions = [
            ("operate_llmconfig", _("Can test providers and call models in the playground"))
        ]
        constraints = [
            models.CheckConstraint(
                name="llm_config_single_row", condition=models.Q(id=SINGLE_ROW_ID)
            ),
            models.CheckConstraint(
                name="llm_config_confidence_range",
                condition=models.Q(
                    min_confidence_tagging__gte=0,
                    min_confidence_tagging__lte=1,
                    min_confidence_entity__gte=0,
                    min_confidence_entity__lte=1,
                ),
            ),
            models.CheckConstraint(
                name="llm_config_sizes_positive",
                condition=models.Q(batch_size__gte=1, concurrent_tasks__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return gettext("Processing settings")

    def clean(self) -> None:
        """The backup is whole."""
        misfit = backup_misfit(self.backup_provider_id, self.backup_model)
        if misfit:
            raise ValidationError(misfit)


def backup_misfit(provider: object, model: str | None) -> dict[str, str]:
    """What a backup lacks, by the field: one without the other is never asked."""
    if model and not provider:
        return {"backup_provider": gettext("Choose the provider of the backup model.")}
    if provider and not model:
        return {"backup_model": gettext("Choose the model of the backup provider.")}
    return {}
