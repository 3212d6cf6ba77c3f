"""Tables that are not about dogs, with keys that are no numbers."""

import uuid
from typing import Any, ClassVar

from django.db import models

from enrichment.models import Enrichable


class Exhibit(Enrichable):
    """A thing in a museum."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=100)
    notes = models.TextField()
    label_text = models.TextField(default="")
    keywords = models.JSONField(null=True)
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        app_label = "museum"

    def __str__(self) -> str:
        return self.title


class Coin(Enrichable):
    """A coin, known by its inventory number."""

    inventory_number = models.CharField(primary_key=True, max_length=20)
    notes = models.TextField()
    label_texts = models.JSONField(null=True)
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        app_label = "museum"

    def __str__(self) -> str:
        return self.inventory_number


class Painting(Exhibit):
    """An exhibit with a table of its own for what only paintings have."""

    medium = models.TextField(default="")

    class Meta:
        app_label = "museum"


class NotReturned(models.Manager[Any]):
    """Loans that are over are hidden."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(is_over=False)


class Loan(models.Model):
    """An exhibit that is elsewhere; the table was not made for enrichments."""

    exhibit = models.ForeignKey(Exhibit, on_delete=models.CASCADE)
    remarks = models.TextField()
    stale = models.BooleanField(default=False)
    mood = models.CharField(
        max_length=10, blank=True, choices=[("good", "All is well"), ("bad", "Trouble")]
    )
    facts = models.JSONField(null=True)
    door_token = models.CharField(max_length=40)
    is_over = models.BooleanField(default=False)
    objects: ClassVar[models.Manager[Any]] = NotReturned()

    class Meta:
        app_label = "museum"

    def __str__(self) -> str:
        return self.remarks[:40]
