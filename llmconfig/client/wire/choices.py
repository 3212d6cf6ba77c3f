"""Several answers in one reply of OpenAI's wire, each read as if it were the only one."""

from collections.abc import Callable, Iterator

from llmconfig.client.wire import JSON, Reply
from llmconfig.client.wire.reading import object_of
from llmconfig.runtime.records import replace


def read_each(value: JSON, read: Callable[[JSON], Reply]) -> Reply:
    """The first answer in a whole reply, with the others; raises BadReply."""
    choices = value.get("choices")
    if not isinstance(choices, list) or len(choices) < 2:
        return read(value)
    first, *others = (read({**value, "choices": [each]}) for each in choices)
    return replace(first, others=tuple(others))


def by_choice(event: JSON, wanted: int) -> Iterator[tuple[int, JSON]]:
    """A chunk by the answers that it has pieces of, each with the place of its answer.

    What it says of the whole (usage) goes to the first one.
    """
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices:
        yield 0, event
        return
    if event.get("usage"):
        yield 0, {**event, "choices": []}
        event = {**event, "usage": None}
    for choice in choices:
        place = object_of(choice).get("index", 0)
        if type(place) is int and 0 <= place < wanted:
            yield place, {**event, "choices": [choice]}
