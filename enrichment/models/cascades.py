"""A batch whose rows a cheaper model is asked first: what it has learned, and what it came to."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.models.batches import Batch


class CascadeRecord(models.Model):
    """What a cascade over some rows has learned, and what it came to; its terms as it was begun."""

    model = models.CharField(_("cheaper model"), max_length=200, help_text=_("Its reference."))
    score = models.CharField(
        max_length=20, help_text=_("How to tell whether a cheap answer is good.")
    )
    target = models.FloatField(
        help_text=_("Share of answers that must agree with the node's own model.")
    )
    miss = models.FloatField(help_text=_("Risk of missing it."))
    audits = models.FloatField(help_text=_("Largest share of good cheap answers that are audited."))
    price = models.FloatField(
        help_text=_("Cost of a cheap answer, as a share of the node's own model's.")
    )
    state = models.JSONField(help_text=_("Phase, threshold and counts by score."))
    events = models.JSONField(
        default=list, help_text=_("What happened to it, after how many rows, at which threshold.")
    )
    rests = models.TextField(
        blank=True,
        default="",
        help_text=_("Why the node's own model answers everything. Blank: the cascade works."),
    )
    cheap_calls = models.PositiveIntegerField(default=0)
    cheap_unpriced = models.PositiveIntegerField(default=0)
    cheap_usd = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    dear_calls = models.PositiveIntegerField(default=0)
    dear_unpriced = models.PositiveIntegerField(default=0)
    dear_usd = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    dear_squares = models.FloatField(
        default=0.0, db_default=0.0, help_text=_("Sum of the squared costs of these calls.")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


class BatchCascade(CascadeRecord):
    """One batch's cascade: its terms as its first lane found them, and what its lanes learned.

    Lanes merge into `state` with the row locked, in the transaction of each write, so that it
    counts exactly the rows that are written.
    """

    batch = models.OneToOneField(
        Batch, on_delete=models.CASCADE, primary_key=True, related_name="cascade"
    )

    class Meta:
        db_table = "enrichment_batch_cascades"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return gettext("{model} before the model of {batch}").format(
            model=self.model, batch=self.batch
        )


class RunCascade(CascadeRecord):
    """The cascade of a run over a set: its state counts exactly the cases that are answered."""

    run = models.OneToOneField(
        "enrichment.EvaluationRun",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="cascade",
    )

    class Meta:
        db_table = "enrichment_run_cascades"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return gettext("{model} before the model of {batch}").format(
            model=self.model, batch=self.run
        )


class CheapAnswer(models.Model):
    """A cheap answer that a provider's batch gave a row, until the row's own result is written.

    Its call is recorded already. `block` is the submission that it came with: its rows were decided
    together, and what may be kept of them is settled together.
    """

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="cheap_answers")
    variant = models.CharField(max_length=35, blank=True)
    row_id = models.CharField(max_length=40)
    block = models.UUIDField()
    way = models.CharField(
        max_length=5, blank=True, help_text=_("Whose answer the row gets; blank: undecided.")
    )
    answer = models.TextField(help_text=_("The answer as it was judged, with its call."))

    class Meta:
        db_table = "enrichment_cheap_answers"
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "variant", "row_id"], name="enrichment_cheap_answers_row"
            )
        ]

    def __str__(self) -> str:
        return f"{self.row_id} of {self.batch_id}"


class CallCascade(models.Model):
    """What the single calls of a node with a cascade have taught (`call_cascades.windows`)."""

    node = models.CharField(max_length=100, primary_key=True)
    terms = models.TextField(help_text=_("Of which cascade: another one begins anew."))
    state = models.JSONField(help_text=_("Phase, threshold and counts by score, of this window."))
    audits = models.JSONField(default=list, help_text=_("Audits whose answers aren't there yet."))
    window = models.PositiveIntegerField(
        default=1, help_text=_("Which one it is; each holds its promise by itself.")
    )
    kept = models.PositiveBigIntegerField(default=0, help_text=_("Cheap answers, in all windows."))
    audited = models.PositiveBigIntegerField(default=0)
    caught = models.PositiveBigIntegerField(
        default=0, help_text=_("Audits in which the node's own model said something else.")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "enrichment_call_cascades"
        ordering = ["node"]

    def __str__(self) -> str:
        return self.node
