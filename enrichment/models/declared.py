"""Enrichments that are declared in the admin instead of in code."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models

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
        help_text="What batches, code and the API call it. It stays as it is.",
    )
    label = models.CharField(max_length=100, help_text="What people read, such as Exhibit label.")
    target = models.CharField(
        "table", max_length=100, help_text="The table whose rows are enriched, as app.Model."
    )
    reads = ArrayField(
        models.CharField(max_length=100),
        verbose_name="reads",
        size=MAX_READ,
        help_text="The columns that the answer depends on. The prompt uses each by its name; a row"
        " is stale when one of them changes.",
    )
    writes = models.CharField(
        max_length=100,
        blank=True,
        help_text="The column that the answer is written to. None: it stays in the results.",
    )
    node = models.CharField(
        max_length=100,
        blank=True,
        help_text="The node whose model answers. New: one of this name is made, an enricher.",
    )
    schema = models.JSONField(
        "JSON schema",
        null=True,
        blank=True,
        help_text="What the answer must obey, for a JSON column or none. Blank: the answer is a"
        " text.",
    )
    gates = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text="What holds an answer back for a person.",
    )
    answers_in = models.CharField(
        "language",
        max_length=35,
        blank=True,
        help_text="The language of the answers, such as en, for the check of it. Blank: the row's"
        " own.",
    )
    longest_source = models.PositiveIntegerField(
        "longest row",
        default=20_000,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CHARACTERS)],
        help_text="Characters of what is read; a longer row is skipped. Each costs tokens.",
    )
    longest_answer = models.PositiveIntegerField(
        "longest answer",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CHARACTERS)],
        help_text="Characters; a longer answer waits for a person. Blank: what the column holds.",
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="Off: its batches pause, and nobody can start one."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "enrichment_declared"
        ordering = ["label"]
        verbose_name = "enrichment"

    def __str__(self) -> str:
        return self.label


def declared_rows() -> list[DeclaredEnrichment]:
    """All that are declared; none where this release's migrations have yet to run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('enrichment_declared')")
        if cursor.fetchone()[0] is None:
            return []
    return list(DeclaredEnrichment.objects.all())
