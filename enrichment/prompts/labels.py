"""Labels of prompts: a name that one version has, such as staging; production is the one in use.

A process whose LLM_PROMPT_LABEL names a label uses the version that has it, for each enrichment
that has such a version.
"""

import re

from django.db import transaction
from django.utils.translation import gettext

from enrichment.errors import BadPrompt
from enrichment.models import Prompt
from llmconfig.configuration import snapshot

PRODUCTION = "production"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def label_here() -> str:
    """The label whose prompts this process uses; blank: those in use."""
    label = str(snapshot.current().setting("LLM_PROMPT_LABEL")).strip()
    return "" if label == PRODUCTION else label


@transaction.atomic
def put(prompt: Prompt, label: str) -> None:
    """Give a version the label, which the one that had it loses; raises BadPrompt for a bad name.

    Production is put by turning the version on (`enrichment.prompts.versions`).
    """
    if not NAME.fullmatch(label) or label == PRODUCTION:
        raise BadPrompt(
            gettext(
                "label: {label!r} is none. Give a short name such as staging; production is "
                "always the version in use."
            ).format(label=label[:40]),
            field="label",
        )
    others = Prompt.objects.select_for_update().filter(
        enrichment=prompt.enrichment,
        organization_id=prompt.organization_id,
        labels__contains=[label],
    )
    for other in others.exclude(pk=prompt.pk):
        take(other, label)
    prompt.labels = sorted({*prompt.labels, label})
    prompt.save(update_fields=["labels"])


def take(prompt: Prompt, label: str) -> None:
    """Take a label from a version."""
    prompt.labels = [each for each in prompt.labels if each != label]
    prompt.save(update_fields=["labels"])
