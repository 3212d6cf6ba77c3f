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
