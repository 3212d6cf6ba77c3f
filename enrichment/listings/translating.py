"""Translates a text that is in no table, with the prompt and gates of listings."""

from msgspec import Struct

from enrichment.batches import creation
from enrichment.engine.applying import awaited_review
from enrichment.enrichments import get
from enrichment.language_tags import checked_language, language_name
from enrichment.listings.enrichments.translation import Translation
from enrichment.plain_text import plain
from enrichment.prompts.selection import PromptsInForce
from enrichment.quality.gates import GateFinding
from enrichment.single import ask
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.types import Call, Labels
from llmconfig.roles import User


class Translated(Struct, frozen=True):
    """The translation, or the original text with the reason why there is none.

    `findings` are why a row's would wait for a reviewer: what the gates found, or that nobody has
    found it good who has to (`apply_after`).
    """

    text: str
    reason: str
    findings: tuple[GateFinding, ...] = ()


def translate_text(
    text: str,
    *,
    target_language: str,
    source_language: str = "",
    user: User | None = None,
) -> Translated:
    """Translate a text that is in no table; a failure gives the original back, with the reason.

    Raises FeatureOff, BadSelection for a bad language, ConfigurationError when nothing can answer.
    """
    enrichment = get(Translation.name)
    creation.check_allowed(enrichment)
    checked_language(target_language)
    if source_language:
        checked_language(source_language, field="source_language")
    cleaned = plain(text)
    if not cleaned:
        return Translated(text, "There is no text to translate.")
    values = {"name": "", "text": cleaned, "language": language_name(target_language)}
    prompt = PromptsInForce(enrichment).of(None)
    call = Call(
        node=enrichment.node,
        messages=prompt.messages(dict.fromkeys(prompt.fact_names, "") | values),
        user_id=user.pk if user else None,
        labels=Labels(
            service_name="enrichment",
            operation_type=enrichment.name,
            prompt_version=prompt.version,
        ),
    )
    try:
        found = ask(enrichment, call, values, variant=target_language)
    except GenerationFailed as failure:
        return Translated(text, str(failure))
    if found.findings:
        return Translated(text, found.reason, found.findings)
    waits = awaited_review(enrichment)
    return Translated(found.value, "", () if waits is None else (waits,))
