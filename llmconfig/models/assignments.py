"""`GlobalConfig` (an interaction type), `NodeConfiguration`, `UserConfig`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from llmconfig.models.kinds import ApplyAfter, CascadeScore, InteractionType
from llmconfig.models.synced import synced_values_field

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

REFERENCE_HELP = _(
    "<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>."
    " Blank: inherited."
)
REFERENCE_RULE = RegexValidator(
    r"\A(?!/)\S*(?<![/:])\Z",
    _("Write provider/model, a model id or tier:name, whole and without spaces."),
)
NO_OVERRIDE = _("Give a model, a temperature or max tokens; for the defaults, delete the override.")
MAX_RUBRIC = 20_000  # characters
TEMPERATURE_RULES = [MinValueValidator(0.0), MaxValueValidator(2.0)]
NODE_NAME_RULE = RegexValidator(
    r"^[a-zA-Z][a-zA-Z0-9_.-]{0,99}$",
    _("Start with a letter; then letters, digits, _, . and -, at most 100 in all."),
)


def share_field(
    name: "StrPromise", least: float, most: float, help_text: "StrPromise"
) -> "models.FloatField[Any, Any]":
    """A share that a person may leave blank."""
    return models.FloatField(
        name,
        null=True,
        blank=True,
        validators=[MinValueValidator(least), MaxValueValidator(most)],
        help_text=help_text,
    )


def refuse_cut_references(references: Sequence[str]) -> None:
    """Each whole; a rule on the items themselves would lose its words in forms."""
    for each in references:
        try:
            REFERENCE_RULE(each)
        except ValidationError as error:
            raise ValidationError(f"“{each}”: {error.message}") from error


def allow_unlisted_field() -> "models.BooleanField[bool, bool]":
    """That models may be named which no enabled provider lists."""
    return models.BooleanField(
        _("allow unlisted models"),
        default=False,
        db_default=False,
        help_text=_("Save model names that no enabled provider lists."),
    )


def fallbacks_field() -> "ArrayField[list[str], list[str]]":
    """An ordered list of model references, tried after the first target."""
    return ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        validators=[refuse_cut_references],
        help_text=_(
            "Model references tried in this order when the first target fails, separated by commas."
        ),
    )


class GlobalConfig(models.Model):
    """The defaults of one interaction type."""

    interaction_type = models.CharField(
        max_length=20,
        choices=InteractionType,
        unique=True,
        help_text=_("The interaction type that these defaults are for."),
    )
    model = models.CharField(
        max_length=200, blank=True, validators=[REFERENCE_RULE], help_text=REFERENCE_HELP
    )
    temperature = models.FloatField(
        null=True,
        blank=True,
        validators=TEMPERATURE_RULES,
        help_text=_("0 is the most predictable. Blank: inherited."),
    )
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Longest answer, in tokens. Blank: inherited."),
    )
    fallbacks = fallbacks_field()
    degrade_to = models.CharField(
        max_length=200,
        blank=True,
        validators=[REFERENCE_RULE],
        help_text=_(
            "Used when a budget is over its soft limit, or a call would wait too long for "
            "its provider's rate limits. Blank: none."
        ),
    )
    degrade_after_seconds = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0)],
        help_text=_(
            "Longest wait for a provider's rate limits before the cheaper model is used. "
            "Blank: as long as the call may last."
        ),
    )
    allow_unlisted_models = allow_unlisted_field()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_global_config"
        ordering = ["interaction_type"]
        verbose_name = _("interaction type")
        constraints = [
            models.CheckConstraint(
                name="llm_global_config_temperature_range",
                condition=models.Q(temperature__isnull=True)
                | models.Q(temperature__gte=0, temperature__lte=2),
            ),
            models.CheckConstraint(
                name="llm_global_config_max_tokens_positive",
                condition=models.Q(max_tokens__isnull=True) | models.Q(max_tokens__gte=1),
            ),
            models.CheckConstraint(
                name="llm_global_config_degrade_after_not_negative",
                condition=models.Q(degrade_after_seconds__isnull=True)
                | models.Q(degrade_after_seconds__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.interaction_type


class NodeConfiguration(models.Model):
    """One named place in an application that calls a model."""

    node_name = models.CharField(
        max_length=100,
        unique=True,
        validators=[NODE_NAME_RULE],
        help_text=_("The name your application uses."),
    )
    interaction_type = models.CharField(
        max_length=20,
        choices=InteractionType,
        default=InteractionType.REASONING,
        help_text=_("Blank fields of this node come from here."),
    )
    provider = models.CharField(
        max_length=50,
        blank=True,
        help_text=_(
            "Name of the provider that serves the model. Blank: found by the model's name."
        ),
    )
    default_model = models.CharField(
        max_length=200, blank=True, validators=[REFERENCE_RULE], help_text=REFERENCE_HELP
    )
    default_temperature = models.FloatField(
        null=True,
        blank=True,
        validators=TEMPERATURE_RULES,
        help_text=_("0 is the most predictable. Blank: from the interaction type."),
    )
    default_max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Longest answer, in tokens. Blank: from the interaction type."),
    )
    langsmith_tracing = models.BooleanField(
        default=False, help_text=_("Send a trace of each call to the tracing service.")
    )
    description = models.TextField(blank=True, help_text=_("What this node is for."))
    azure_model = models.CharField(
        max_length=200, blank=True, help_text=_("Model on Azure. Blank: the model above.")
    )
    azure_temperature = models.FloatField(
        null=True,
        blank=True,
        validators=TEMPERATURE_RULES,
        help_text=_("Temperature on Azure. Blank: the temperature above."),
    )
    azure_max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Longest answer on Azure, in tokens. Blank: the limit above."),
    )
    fallbacks = fallbacks_field()
    cascade_model = models.CharField(
        _("cheaper model"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[REFERENCE_RULE],
        help_text=_(
            "The model that a batch asks first; the node's own model answers where that "
            "isn't good enough. Blank: no cascade."
        ),
    )
    cascade_score = models.CharField(
        _("score"),
        max_length=20,
        choices=CascadeScore,
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "How to tell whether a cheap answer is good. Blank: by the confidence that it states."
        ),
    )
    cascade_target = share_field(
        _("wanted agreement"),
        0.5,
        0.999,
        _(
            "Share of a batch's answers that must agree with the node's own model, 0.5 to "
            "0.999. Blank: 0.95."
        ),
    )
    cascade_miss = share_field(
        _("risk of missing it"),
        0.001,
        0.5,
        _(
            "Share of batches that may end below the wanted agreement, 0.001 to 0.5. Blank:"
            " 0.05, one"
            " batch of 20."
        ),
    )
    cascade_audits = share_field(
        _("audits"),
        0.01,
        0.9,
        _(
            "Largest share of good cheap answers that are checked against the node's own "
            "model, 0.01 to 0.9. Blank: 0.3."
        ),
    )
    judge_rubric = models.TextField(
        _("rubric"),
        blank=True,
        default="",
        db_default="",
        max_length=MAX_RUBRIC,
        help_text=_(
            "What makes an answer of this node good, as instructions to the judge. Blank: no judge."
        ),
    )
    judge_model = models.CharField(
        _("judge"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[REFERENCE_RULE],
        help_text=_("The model that judges. Blank: the one of the interaction type judge."),
    )
    apply_after = models.CharField(
        _("answers are applied after"),
        max_length=10,
        choices=ApplyAfter,
        blank=True,
        default="",
        db_default="",
        help_text=_(
            "Who has to find an answer good before it is written without a reviewer. Blank: as the "
            "enrichment declares; one that declares nothing takes the gates."
        ),
    )
    allow_unlisted_models = allow_unlisted_field()
    synced_values = synced_values_field()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_node_configuration"
        ordering = ["node_name"]
        verbose_name = _("node")
        constraints = [
            models.CheckConstraint(
                name="llm_node_configuration_temperature_range",
                condition=models.Q(
                    models.Q(default_temperature__isnull=True)
                    | models.Q(default_temperature__gte=0, default_temperature__lte=2),
                    models.Q(azure_temperature__isnull=True)
                    | models.Q(azure_temperature__gte=0, azure_temperature__lte=2),
                ),
            ),
            models.CheckConstraint(
                name="llm_node_configuration_max_tokens_positive",
                condition=models.Q(
                    models.Q(default_max_tokens__isnull=True) | models.Q(default_max_tokens__gte=1),
                    models.Q(azure_max_tokens__isnull=True) | models.Q(azure_max_tokens__gte=1),
                ),
            ),
            models.CheckConstraint(
                name="llm_node_configuration_cascade_shares",
                condition=models.Q(
                    models.Q(cascade_target__isnull=True)
                    | models.Q(cascade_target__gte=0.5, cascade_target__lte=0.999),
                    models.Q(cascade_miss__isnull=True)
                    | models.Q(cascade_miss__gte=0.001, cascade_miss__lte=0.5),
                    models.Q(cascade_audits__isnull=True)
                    | models.Q(cascade_audits__gte=0.01, cascade_audits__lte=0.9),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.node_name


class UserConfig(models.Model):
    """One user's own choice for an interaction type or for a node."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="llm_configs"
    )
    interaction_type = models.CharField(
        max_length=20,
        choices=InteractionType,
        blank=True,
        help_text=_("Set this or the node, not both."),
    )
    node = models.ForeignKey(
        NodeConfiguration,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="user_configs",
        help_text=_("Set this or the interaction type, not both."),
    )
    model = models.CharField(
        max_length=200, blank=True, validators=[REFERENCE_RULE], help_text=REFERENCE_HELP
    )
    temperature = models.FloatField(
        null=True, blank=True, validators=TEMPERATURE_RULES, help_text=_("Blank: not overridden.")
    )
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Blank: not overridden."),
    )
    allow_unlisted_models = allow_unlisted_field()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_user_config"
        ordering = ["user", "interaction_type"]
        verbose_name = _("user override")
        constraints = [
            models.CheckConstraint(
                name="llm_user_config_one_scope",
                condition=models.Q(interaction_type="", node__isnull=False)
                | (~models.Q(interaction_type="") & models.Q(node__isnull=True)),
                violation_error_message=_("Choose an interaction type or a node, not both."),
            ),
            models.UniqueConstraint(
                name="llm_user_config_unique_type",
                fields=["user", "interaction_type"],
                condition=models.Q(node__isnull=True),
            ),
            models.UniqueConstraint(
                name="llm_user_config_unique_node",
                fields=["user", "node"],
                condition=models.Q(node__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.node or self.interaction_type}"

    def clean(self) -> None:
        """It overrides something. No constraint says so: a rollback may bring an old row back."""
        if not self.model and self.temperature is None and self.max_tokens is None:
            raise ValidationError({"model": NO_OVERRIDE})
