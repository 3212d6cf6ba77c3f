"""The table of docs/clients.md and the list of failures below it."""

from collections.abc import Sequence

from tests.clients import environments
from tests.clients.listing import STEPS
from tests.clients.running import ClientResult

DOCUMENT = environments.ROOT / "docs" / "clients.md"
BEGIN, END = "<!-- written by make clients -->", "<!-- end -->"


def table(results: Sequence[ClientResult]) -> str:
    """A row for each client, a mark for each step."""
    rows = [f"| client | version | {' | '.join(STEPS)} |", f"| --- | --- |{' --- |' * len(STEPS)}"]
    for each in results:
        marks = " | ".join(_mark(each, step) for step in STEPS)
        rows.append(f"| {each.client.shown} | `{each.client.version}` | {marks} |")
    return "\n".join(rows)


def _mark(result: ClientResult, step: str) -> str:
    if step in result.steps:
        return "✗" if result.steps[step] else "✓"
    return "✗" if result.broken else "–"


def failures(results: Sequence[ClientResult]) -> str:
    """A line for each step that failed: the note on it, else why it failed."""
    lines = []
    for each in results:
        failed = each.steps | ({"all": each.broken} if each.broken else {})
        for step, why in failed.items():
            if why:
                told = each.client.known.get(step, f"unexplained: {why}")
                lines.append(f"- {each.client.shown}, {step}: {told}")
    return "\n".join(lines)


def write(results: Sequence[ClientResult]) -> None:
    """Put both between the marks in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    made = f"{table(results)}\n\n{failures(results)}".strip()
    DOCUMENT.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", encoding="utf-8")
