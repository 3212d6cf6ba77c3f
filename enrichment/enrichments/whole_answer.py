"""Takes an answer that is one text."""

from enrichment.errors import AnswerRejected
from llmconfig.client.types import Generation


def complete_text(answer: Generation) -> str:
    """The answer as text; raises AnswerRejected when it is empty."""
    text = answer.text.strip()
    if not text:
        from enrichment.quality.gates.form import ANSWER_EMPTY  # noqa: PLC0415 - with the gates

        raise AnswerRejected("The model answered with nothing.", reason=ANSWER_EMPTY)
    return text
