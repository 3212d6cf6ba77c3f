"""What the playground starts with where a node's prompt is filled with a row."""

from collections.abc import Iterable

from django.http import HttpRequest
from django.utils.translation import gettext as _

from enrichment import drafts
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import EnrichmentError
from llmconfig.admin.kit.panels import AskedBefore, register_row_prompts
from llmconfig.errors import LLMError

SEEN = "enrichment.view_prompt"


class _RowPrompts:
    """The prompts in use of all enrichments, by their nodes."""

    def nodes(self) -> Iterable[str]:
        return [get(name).node for name in names()]

    def asked(self, request: HttpRequest, node: str, row: str) -> AskedBefore | None:
        kind = next((get(name) for name in names() if get(name).node == node), None)
        if kind is None or not request.user.has_perm(SEEN):
            return None
        try:
            return _asked(kind, row.strip())
        except (EnrichmentError, LLMError) as refusal:
            return AskedBefore(node, str(refusal))


def _asked(kind: Enrichment, row: str) -> AskedBefore:
    seen = drafts.languages(kind)
    found = drafts.filled(kind, None, row_id=row, variant=seen[0] if seen else "es")
    texts = dict(found.messages)
    return AskedBefore(
        kind.node,
        found.reason
        or _("As sent by %(enrichment)s for %(row)s.")
        % {"enrichment": kind.label, "row": found.name},
        system=texts.get("system", ""),
        message=texts.get("user", ""),
        schema=kind.schema,
    )


ROW_PROMPTS = _RowPrompts()
register_row_prompts(ROW_PROMPTS)
