"""Prompts are rows: versioned, with at most one active for an organization and one default."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

NO_LABELS = models.Value([], ArrayField(models.CharField(max_length=40)))


class Prompt(models.Model):
    """One version of what an enrichment says to the model."""

    enrichment = models.CharField(max_length=50, help_text=_("The kind of work it is for."))
    organization_id = models.BigIntegerField(
        _("organization"),
        null=True,
        blank=True,
        help_text=_(
            "Only for this organization's rows, by its ID in the rows' table. Blank: for "
            "all without a prompt of their own."
        ),
    )
    version = models.PositiveIntegerField(
        help_text=_("Counts up over all organizations; results keep the number of theirs.")
    )
    system = models.TextField(
        blank=True,
        help_text=_("The instructions. <code>{{name}}</code> is replaced by the row's value."),
    )
    user = models.TextField(
        help_text=_("The message. Only <code>{{name}}</code> is replaced, by the row's value.")
    )
    is_active = models.BooleanField(
        default=False, help_text=_("Whether it is in use; only one is.")
    )
    labels = ArrayField(
        models.CharField(max_length=40),
        default=list,
        db_default=NO_LABELS,
        blank=True,
        help_text=_("Names such as staging; a process uses the one named by LLM_PROMPT_LABEL."),
    )
    note = models.CharField(max_length=200, blank=True, help_text=_("Reason for this version."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "enrichment_prompts"
        ordering = ["enrichment", "organization_id", "-version"]
        constraints = [
            models.UniqueConstraint(
                name="enrichment_prompts_version",
                fields=["enrichment", "version"],
            ),
            models.UniqueConstraint(
                name="enrichment_prompts_one_active",
                fields=["enrichment", "organization_id"],
                condition=models.Q(is_active=True),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrichment} v{self.version}"
