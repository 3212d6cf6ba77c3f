"""What an import did, or would do, as data for a terminal, a page and scripts."""

from msgspec import Struct, field

from enrichment.listings.importing.comparison import FieldChange
from enrichment.listings.importing.rows import BadRow, FileFacts

MAX_EXAMPLES = 20
MAX_NOTES = 20
MAX_EXCERPT = 200


class Example(Struct, frozen=True):
    """One row of those that are added or changed; for new ones `before` is None."""

    line: int
    external_id: str
    is_new: bool
    changes: tuple[FieldChange, ...]


class ImportReport(Struct):
    """Counts of rows, and every row that was left out with its line and reason."""

    source: FileFacts
    dry_run: bool = False
    columns: dict[str, str] = field(default_factory=dict)  # the file's column by field
    ignored_columns: tuple[str, ...] = ()
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    organizations_added: int = 0
    bad: list[BadRow] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def show(self, line: int, key: str, changes: list[FieldChange], *, is_new: bool) -> None:
        """Keep the first few as examples, their texts as excerpts."""
        if sum(example.is_new is is_new for example in self.examples) >= MAX_EXAMPLES:
            return
        cut = tuple(
            FieldChange(each.field, _excerpt(each.before), _excerpt(each.after)) for each in changes
        )
        self.examples.append(Example(line, key, is_new, cut))


def _excerpt(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_EXCERPT:
        return value[:MAX_EXCERPT] + "…"
    return value
