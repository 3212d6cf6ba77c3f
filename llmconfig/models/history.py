"""The numbered states of the configuration and what changed between them.

Triggers on the configuration's tables write these rows (each app's sql/history_triggers.sql), so
that raw SQL is seen too; `llmconfig.configuration.revisions.change` adds who and why.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ConfigVersion(models.Model):
    """One row: the number of the current state, and a token that no other state ever had."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    revision = models.BigIntegerField(default=0)
    token = models.UUIDField()

    class Meta:
        db_table = "llm_config_version"
        constraints = [
            models.CheckConstraint(name="llm_config_version_single_row", condition=models.Q(id=1))
        ]

    def __str__(self) -> str:
        return f"Revision {self.revision}"


class Revision(models.Model):
    """One change of the configuration: when, by whom and from where."""

    number = models.BigIntegerField(primary_key=True)
    created_at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    source = models.CharField(
        max_length=20,
        help_text=_(
            "admin, api, yaml, seed, shell, call (learned from a provider's answer) or sql."
        ),
    )
    message = models.TextField(blank=True)

    class Meta:
        db_table = "llm_revisions"
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"Revision {self.number}"


class RevisionChange(models.Model):
    """One row that a revision added, changed or removed; secrets are left out of both sides."""

    id = models.BigAutoField(primary_key=True)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="changes")
    table_name = models.CharField(max_length=63)
    row_key = models.CharField(max_length=100)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        db_table = "llm_revision_changes"
        ordering = ["id"]
        indexes = [
            # Read by rollback and by a row's history page.
            models.Index(fields=["table_name", "row_key", "id"], name="idx_llm_changes_row"),
        ]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_key}"
