"""How far a judge agrees with reviewers, and what it said of two runs' answers."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.models.evaluations import EvaluationAnswer, RunStatus


class JudgeCalibration(models.Model):
    """One judge held against reviewers' verdicts: by a rubric and a model, as they were then.

    Rates are from 0 to 1; those of pairs tell of answers that a reviewer changed, each shown in
    both orders.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    enrichment = models.CharField(max_length=50)
    judge = models.CharField(
        max_length=32,
        help_text=_("Of the rubric and the model's reference: another is another one."),
    )
    model = models.CharField(max_length=200, blank=True, default="", help_text=_("Who answered."))
    wanted = models.PositiveIntegerField(help_text=_("Most verdicts to compare it with."))
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.WAITING)
    status_reason = models.TextField(blank=True, default="")
    verdicts = models.PositiveIntegerField(default=0)
    both_good = models.PositiveIntegerField(default=0)
    both_bad = models.PositiveIntegerField(default=0)
    judge_good = models.PositiveIntegerField(
        default=0, help_text=_("Where the reviewer disagreed.")
    )
    judge_bad = models.PositiveIntegerField(default=0, help_text=_("Where the reviewer agreed."))
    kappa = models.FloatField(null=True)
    kappa_low = models.FloatField(null=True)
    kappa_high = models.FloatField(null=True)
    pairs = models.PositiveIntegerField(default=0, help_text=_("Shown in both orders."))
    pairs_right = models.PositiveIntegerField(
        default=0, help_text=_("Preferred the reviewer's version in both orders.")
    )
    pairs_swayed = models.PositiveIntegerField(
        default=0, help_text=_("Decided by position: preferred the same place in both orders.")
    )
    swayed_to_first = models.PositiveIntegerField(
        default=0, help_text=_("Of these, for the first position.")
    )
    cost_usd = models.DecimalField(max_digits=16, decimal_places=10, default=0)
    unpriced = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "enrichment_judge_calibrations"
        ordering = ["-created_at"]
        verbose_name = _("calibration of a judge")
        verbose_name_plural = _("judges")

    def __str__(self) -> str:
        return gettext("The judge of {enrichment}").format(enrichment=self.enrichment)


class JudgedPair(models.Model):
    """What a judge said of two answers to one case, in both orders."""

    id = models.BigAutoField(primary_key=True)
    first = models.ForeignKey(EvaluationAnswer, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(EvaluationAnswer, on_delete=models.CASCADE, related_name="+")
    judge = models.CharField(max_length=32, help_text=_("As in its calibrations."))
    preference = models.FloatField(
        help_text=_(
            "0: the first is better in both orders, 1: the second. 0.5: neither, or decided"
            " by position."
        )
    )
    swayed = models.BooleanField(help_text=_("Decided by position."))

    class Meta:
        db_table = "enrichment_judged_pairs"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="enrichment_judged_pairs_once", fields=["first", "second", "judge"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}: {self.preference:g}"
