"""`response_format`: how a schema is put to servers of OpenAI's wire, some of which take less."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmconfig import provider_types
from llmconfig.client.structured_output import OutputSchema
from llmconfig.client.types import Message
from llmconfig.client.wire import JSON, Question
from llmconfig.configuration.resolution import Target

if TYPE_CHECKING:
    from llmconfig.client.json_schema.forms import Form

FINE_TUNED = "ft:"  # the ids of OpenAI's
FORMAT, SCHEMA, OBJECT = "response_format", "json_schema", "json_object"


def ask_for_shape(content: JSON, question: Question) -> tuple[str, ...]:
    """Ask for a schema in the first form that the server takes; gives what was replaced."""
    shape = question.shape
    assert shape is not None  # noqa: S101 - the caller has looked
    forms = (SCHEMA, OBJECT) if question.obeys else (OBJECT, SCHEMA)
    usable = [each for each in forms if f"{FORMAT}:{each}" not in question.refused]
    chosen = usable[0] if usable and FORMAT not in question.refused else None
    if chosen == SCHEMA:
        content[FORMAT] = _as_schema(_form(question.target, shape))
    elif chosen == OBJECT:
        content[FORMAT] = {"type": OBJECT}
    if not (chosen == SCHEMA and question.obeys):
        content["messages"] = _with_instruction(content["messages"], shape.instruction)
    if chosen == forms[0]:
        return ()
    return (f"{FORMAT} {forms[0]} (sent as {chosen})" if chosen else FORMAT,)


def _as_schema(form: "Form") -> JSON:
    described = {"name": "answer", "strict": form.strict, "schema": form.schema}
    return {"type": SCHEMA, "json_schema": described}


def _form(target: Target, shape: OutputSchema) -> "Form":
    """The schema as this kind of server takes it."""
    name = provider_types.get(target.provider.provider_type).schema_form
    if name == "openai" and target.model_id.startswith(FINE_TUNED):
        name = "openai_narrow"
    form: Form = getattr(shape, name)
    return form


def _with_instruction(messages: Sequence[Message], instruction: str) -> list[Message]:
    """Said in the system message, which many local models only take in first place."""
    first = messages[0] if messages else Message()
    said = first.get("content")
    if first.get("role") == "system" and isinstance(said, str):
        return [Message(role="system", content=f"{said}\n\n{instruction}"), *messages[1:]]
    return [Message(role="system", content=instruction), *messages]
