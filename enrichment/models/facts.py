"""Facts from elsewhere: the sources that are asked, and what they said."""

import uuid

from django.apps import apps
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME_RULE = RegexValidator(
    r"^[a-z][a-z0-9_]{0,39}\Z",
    _("Use lower-case letters, digits and _, at most 40, starting with a letter."),
)
HEADER_RULE = RegexValidator(
    r"^[A-Za-z0-9-]{1,60}\Z", _("A header's name has letters, digits and hyphens.")
)
SCHEME_RULE = RegexValidator(r"^[A-Za-z0-9-]{1,30}\Z", _("One word, such as Bearer."))
POINTER_RULE = RegexValidator(
    r"^/[^\x00-\x1f]*\Z", _("Start with a slash and name each step, such as /data/0/summary.")
)


class WithoutFact(models.TextChoices):
    """What becomes of a row whose fact can't be had."""

    EMPTY = "empty", _("Continue without it (the name is blank)")
    FAIL = "fail", _("Fail the row and retry it later")


def default_target() -> str:
    """The table that a source is about unless it names another; blank where no app said one."""
    return str(getattr(apps.get_app_config("enrichment"), "default_target", ""))


class FactSource(models.Model):
    """An HTTP address that knows something about a row, for prompts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=40,
        unique=True,
        validators=[NAME_RULE],
        help_text=_("Prompts use it as <code>{{fact_NAME}}</code>. It can't be changed later."),
    )
    description = models.CharField(max_length=200, blank=True, help_text=_("What it provides."))
    target = models.CharField(
        _("table"),
        max_length=100,
        default=default_target,
        help_text=_("The table whose rows it knows about, as app.model."),
    )
    url_template = models.CharField(
        _("address"),
        max_length=1000,
        help_text=_(
            "<code>{{column}}</code> stands for the row's value, URL-encoded; not allowed "
            "in the host. Such as https://breeds.example/api/breeds?name={{breed}}."
        ),
    )
    header_name = models.CharField(
        _("header"),
        max_length=60,
        blank=True,
        validators=[HEADER_RULE],
        help_text=_("The header for its key, such as Authorization. Blank: none."),
    )
    header_scheme = models.CharField(
        _("prefix before the key"),
        max_length=30,
        blank=True,
        validators=[SCHEME_RULE],
        help_text=_("Such as Bearer. Blank: the key alone."),
    )
    secret_ref = models.CharField(
        _("secret reference"),
        max_length=500,
        blank=True,
        help_text=_("Where that key is kept: env:VARIABLE, file:/absolute/path or aws-sm:name."),
    )
    pointer = models.CharField(
        _("part of the answer"),
        max_length=200,
        blank=True,
        validators=[POINTER_RULE],
        help_text=_("JSON pointer to the part that is used, such as /data/0/summary. Blank: all."),
    )
    max_characters = models.PositiveIntegerField(
        _("longest fact"),
        default=2_000,
        validators=[MinValueValidator(1), MaxValueValidator(12_000)],
        help_text=_(
            "In characters; longer facts are cut. Longer facts cost more tokens in every call."
        ),
    )
    max_bytes = models.PositiveIntegerField(
        _("largest answer"),
        default=262_144,
        validators=[MinValueValidator(1), MaxValueValidator(4_194_304)],
        help_text=_("Bytes; a larger answer counts as a failure."),
    )
    timeout_seconds = models.FloatField(
        _("timeout"),
        default=5.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(60)],
        help_text=_("Seconds for one answer."),
    )
    max_concurrency = models.PositiveSmallIntegerField(
        _("concurrent requests"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Per process."),
    )
    ttl_seconds = models.PositiveIntegerField(
        _("kept for"),
        default=604_800,
        validators=[MinValueValidator(1), MaxValueValidator(31_536_000)],
        help_text=_("In seconds, until the same address is requested again; 604800 is a week."),
    )
    without = models.CharField(
        _("if it fails"),
        max_length=10,
        choices=WithoutFact,
        default=WithoutFact.EMPTY,
        help_text=_(
            "Also applies where the source has nothing, or the row lacks a value for the address."
        ),
    )
    is_enabled = models.BooleanField(
        _("enabled"),
        default=True,
        help_text=_("Off: it is never requested, and its name stays blank."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "enrichment_fact_sources"
        ordering = ["name"]
        verbose_name = _("fact source")
        verbose_name_plural = _("fact sources")
        constraints = [
            models.CheckConstraint(
                name="enrichment_fact_sources_header_and_secret",
                condition=models.Q(header_name="", secret_ref="")
                | (~models.Q(header_name="") & ~models.Q(secret_ref="")),
                violation_error_message=_("A header and a secret reference go together."),
            ),
            models.CheckConstraint(
                name="enrichment_fact_sources_without_known",
                condition=models.Q(without__in=WithoutFact.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Fact(models.Model):
    """What a source said at one address, shared by all rows that lead to it."""

    key = models.CharField(
        primary_key=True, max_length=32, help_text=_("Of the source, the address and what is used.")
    )
    source = models.ForeignKey(FactSource, on_delete=models.CASCADE, related_name="facts")
    url = models.TextField()
    value = models.TextField(blank=True, help_text=_("Blank: nothing found."))
    value_hash = models.CharField(max_length=32)
    fetched_at = models.DateTimeField()

    class Meta:
        db_table = "enrichment_facts"
        ordering = ["-fetched_at"]
        indexes = [
            # Read by what asks anew, and by what forgets.
            models.Index(fields=["source", "fetched_at"], name="idx_facts_age"),
        ]

    def __str__(self) -> str:
        return self.url
