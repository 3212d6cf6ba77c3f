"""A museum's own enrichments, as docs/enrichments.md describes them."""

from typing import ClassVar

from enrichment.enrichments.contract import Enrichment, PromptText
from enrichment.enrichments.whole_answer import complete_text
from enrichment.quality.gates import unknown_numbers


class ExhibitLabel(Enrichment):
    """The text beside an exhibit."""

    name = "exhibit_label"
    label = "Exhibit label"
    node = "exhibit_label"
    target = "museum.Exhibit"
    organization_field = ""
    reads: ClassVar[tuple[str, ...]] = ("title", "notes")
    writes = "label_text"
    gates = (unknown_numbers,)
    prompt = PromptText(system="", user="A label for {{title}}: <notes>{{notes}}</notes>")

    def values(self, row, *, variant):
        return {"title": row["title"] or "", "notes": row["notes"] or ""}

    def accept(self, answer, values):
        return complete_text(answer)


class CoinLabels(ExhibitLabel):
    """The same for coins, in several languages."""

    name = "coin_labels"
    label = "Coin labels"
    target = "museum.Coin"
    reads = ("notes",)
    writes = "label_texts"
    by_variant = True
    prompt = PromptText(system="", user="In {{language}}: <notes>{{notes}}</notes>")

    def values(self, row, *, variant):
        return {"notes": row["notes"] or "", "language": variant}
