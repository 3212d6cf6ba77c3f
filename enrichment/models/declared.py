"""Enrichments that are declared in the admin instead of in code."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from enrichment.models.facts import NAME_RULE

MAX_READ = 20  # columns
MAX_CHARACTERS = 100_000  # what gates judge at most, source and answer together


class DeclaredEnrichment(models.Model):
    """What is to be done with each row of a table; its wording is in the prompts of its name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[NAME_RULE],
        help_text=_("Used by batches, code and the API. It can't be changed later."),
    )
    label = models.CharField(max_length=100, help_text=_("Shown to people, such as Exhibit label."))
    target = models.CharField(
        _("table"), max_length=100, help_text=_("The table whose rows are enriched, as app.Model.")
    )
    reads = ArrayField(
        models.CharField(max_length=100),
        verbose_name=_("reads"),
        size=MAX_READ,
        help_text=_(
            "The columns that the answer depends on. The prompt uses them by name; a row is"
            " stale when one of them changes."
        ),
    )
    writes = models.CharField(
        max_length=100,
        blank=True,
        help_text=_("The column that the answer is written to. None: only kept in the results."),
    )
    node = models.CharField(
        max_length=100,
        blank=True,
        help_text=_(
            "The node whose model answers. New: an enricher node with this name is created."
        ),
    )
    schema = models.JSONField(
        _("JSON schema"),
        null=True,
        blank=True,
        help_text=_(
            "The schema of the answer, for a JSON column or none. Blank: the answer is text."
        ),
    )
    gates = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text=_("Answers that fail a gate wait for review."),
    )
    answers_in = models.CharField(
        _("language"),
        max_length=35,
        blank=True,
        help_text=_("The expected language of the answers, such as en. Blank: the row's own."),
    )
    longest_source = models.PositiveIntegerField(
        _("longest row"),
        default=20_000,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CHARACTERS)],
        help_text=_("In characters; longer rows are skipped. Longer rows cost more tokens."),
    )
    longest_answer = models.PositiveIntegerField(
        _("longest answer"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CHARACTERS)],
        help_text=_("In characters; longer answers wait for review. Blank: the column's length."),
    )
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: its batches pause, and none can be started.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "enrichment_declared"
        ordering = ["label"]
        verbose_name = _("enrichment")

    def __str__(self) -> str:
        return self.label


def declared_rows() -> list[DeclaredEnrichment]:
    """All that are declared; none where this release's migrations have yet to run."""
    with connection.cursor() as cursor:
        # NULL without the table, 0 where it never held a row, as in most projects.
        cursor.execute("SELECT pg_relation_size(to_regclass('enrichment_declared'))")
        if not cursor.fetchone()[0]:
            return []
    return list(DeclaredEnrichment.objects.all())
