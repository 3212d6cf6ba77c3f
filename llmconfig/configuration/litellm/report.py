"""What became of each entry of an imported file, with the reason, and never with a value."""

import re
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct, field

INDEX = re.compile(r"\[\d+\]")


class Fate(StrEnum):
    """Whether an entry came in as it is, in another form, or not at all."""

    TAKEN = "taken"
    CHANGED = "changed"
    LEFT_OUT = "left out"


class Note(Struct, frozen=True):
    """One entry of the file: where it stands, and what became of it, why.

    `known` is false where the import doesn't know what the entry means.
    """

    place: str
    fate: Fate
    reason: str
    known: bool = True


class MigrationReport(Struct):
    """All notes, and what is for a person to do: variables of the environment and next steps."""

    notes: list[Note] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    references: dict[str, None] = field(default_factory=dict)  # not allowed to be read yet
    steps: dict[str, None] = field(default_factory=dict)

    def taken(self, place: str, reason: str) -> None:
        """An entry that means the same here."""
        self.notes.append(Note(place, Fate.TAKEN, reason))

    def changed(self, place: str, reason: str) -> None:
        """An entry that has another form here."""
        self.notes.append(Note(place, Fate.CHANGED, reason))

    def left_out(self, place: str, reason: str, *, known: bool = True) -> None:
        """An entry that has no place here."""
        self.notes.append(Note(place, Fate.LEFT_OUT, reason, known))

    def set_variable(self, place: str, name: str, value: object) -> None:
        """An entry that is a variable of the environment here."""
        self.environment[name] = str(value)
        self.changed(place, f"here it is {name} in the environment")

    def step(self, text: str) -> None:
        """Something for a person to know or to do, told once."""
        self.steps[text] = None

    def counts(self) -> dict[Fate, int]:
        """How many entries had each fate."""
        return {fate: sum(each.fate is fate for each in self.notes) for fate in Fate}

    def lines(self) -> Iterable[str]:
        """The notes for people: entries with the same name, fate and reason on one line."""
        groups: dict[tuple[Fate, str, str], list[str]] = {}
        for note in self.notes:
            key = (note.fate, INDEX.sub("[]", note.place), note.reason)
            groups.setdefault(key, []).append(note.place)
        for (fate, place, reason), places in groups.items():
            shown = places[0] if len(places) == 1 else f"{place} ({len(places)} times)"
            yield f"{fate:<8}  {shown}: {reason}"
