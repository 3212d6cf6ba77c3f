"""Views of the list of calls that people keep: its filters, under a name."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MAX_QUERY = 2000


class SavedView(models.Model):
    """Filters, search and order of the list of calls, as its address has them."""

    name = models.CharField(max_length=80, help_text=_("The name of its link."))
    query = models.CharField(
        max_length=MAX_QUERY, help_text=_("The filters, as in the page's address.")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Who saved it."),
    )
    is_shared = models.BooleanField(default=False, help_text=_("Whether everybody sees it."))
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "llm_saved_views"
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "name"], name="llm_saved_views_one_of_a_name")
        ]
        permissions = [("operate_savedview", _("Can save views of calls for everybody"))]

    def __str__(self) -> str:
        return self.name
