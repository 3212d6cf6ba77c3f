"""Answers one question about one row, from the row alone; nothing is written to it."""

from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.engine.items import GONE, call_for, load_items
from enrichment.enrichments import get
from enrichment.errors import BadSelection
from enrichment.listings.enrichments.respond import MAX_QUESTION_LENGTH, Respond
from enrichment.plain_text import plain
from enrichment.single import ask
from llmconfig.client.errors import GenerationFailed
from llmconfig.roles import User
from llmconfig.runtime.records import replace


class DraftedReply(Struct, frozen=True):
    """The answer; blank with the reason why there is none that may be shown."""

    text: str
    reason: str


def answer_question(row_id: int | str, question: str, *, user: User | None = None) -> DraftedReply:
    """Ask the responder's model; an answer that fails a gate is held back.

    Raises FeatureOff, BadSelection naming the field, ConfigurationError when nothing can answer.
    """
    enrichment = get(Respond.name)
    creation.check_allowed(enrichment)
    asked = plain(question)
    if not asked:
        raise BadSelection(gettext("question: there is no text in it."), field="question")
    if len(asked) > MAX_QUESTION_LENGTH:
        raise BadSelection(
            gettext("question: {number} characters; {max_question_length} fit.").format(
                number=len(asked), max_question_length=MAX_QUESTION_LENGTH
            ),
            field="question",
        )
    key = str(enrichment.checked_key(row_id))
    item = next(load_items(enrichment, [key], variant=""))
    if item.reason == GONE:
        raise BadSelection(
            gettext("animal_id: there is no row {row_id}.").format(row_id=row_id), field="animal_id"
        )
    values = {**item.values, "question": asked}
    call = call_for(
        enrichment,
        replace(item, values=values),
        session_id=None,
        user_id=user.pk if user else None,
    )
    try:
        found = ask(enrichment, call, values, floor=item.floor, columns=item.columns)
    except GenerationFailed as failure:
        return DraftedReply("", str(failure))
    if found.findings:
        return DraftedReply("", f"The answer was held back. {found.reason}")
    return DraftedReply(found.value, "")
