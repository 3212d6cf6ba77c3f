"""Has the simulated model say what a test wants: it repeats the longest block of its prompt."""

from itertools import count

from enrichment.models import Prompt

_versions = count(1)
# A listing that any evidence for a tag may be quoted from.
TRAITS = (
    "calm playful energetic shy affectionate independent leash crate yard condo bonded foster"
    " experience medication calm playful shy yard leash crate"
)


def model_says(enrichment, text, *, organization=None):
    """From now on the model answers with this text; the last words may be missing."""
    key = organization.pk if organization else None
    Prompt.objects.filter(enrichment=enrichment, organization_id=key).update(is_active=False)
    return Prompt.objects.create(
        enrichment=enrichment,
        organization_id=key,
        version=next(_versions),
        user=f"<say>{text}</say>",
        is_active=True,
    )
