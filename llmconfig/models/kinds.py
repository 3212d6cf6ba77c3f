"""What calls are for, what tells how good a cheap answer is, and when answers are applied."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class InteractionType(models.TextChoices):
    """The kinds of use that a default is set for: general ones, then the tasks of enrichment."""

    REASONING = "reasoning", _("Reasoning")
    TOOLS = "tools", _("Tool calls")
    SUBAGENTS = "subagents", _("Sub-agents")
    PLANNING = "planning", _("Planning")
    EMBEDDINGS = "embeddings", _("Embeddings")
    TAGGER = "tagger", _("Tagger")
    ENRICHER = "enricher", _("Enricher")
    ANALYTICS = "analytics", _("Analytics")
    RESPONDER = "responder", _("Responder")
    JUDGE = "judge", _("Judge")


class CascadeScore(models.TextChoices):
    """What tells how good a cheap model's answer is, from 0 to 1."""

    CONFIDENCE = "confidence", _("The confidence that the answer states")
    LOGPROBS = "logprobs", _("How likely its tokens were")
    GATES = "gates", _("Whether it passes the gates")
    AGREEMENT = "agreement", _("How far two cheap answers agree")
    JUDGE = "judge", _("What a calibrated judge says of it")


class ApplyAfter(models.TextChoices):
    """Who has to have found an answer good before it is written to its row unasked."""

    GATES = "gates", _("The gates: what passes them is applied")
    JUDGE = "judge", _("The gates and the node's judge: what no judge has seen waits")
    REVIEW = "review", _("A reviewer: every answer waits")
