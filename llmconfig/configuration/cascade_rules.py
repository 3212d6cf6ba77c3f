"""Cascades that can't work as they are, refused where a node is saved.

What is known of models is told here; who knows what answers tell, and who judges them, registers.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import references, snapshot, stored_facts
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import ChangeRefused, LLMError
from llmconfig.models import CascadeScore, NodeConfiguration
from llmconfig.runtime.records import replace

# Another value of one of these has a node's cascade looked at.
TOUCHING = (
    "cascade_model", "cascade_score", "judge_rubric", "judge_model", "default_model", "provider",
)  # fmt: skip
MAX_NEAR = 3


class CascadeProblem(Struct, frozen=True):
    """Why a cascade can't work, at which column.

    `meanwhile` says what happens until what is missing has come; blank: it can't come later.
    """

    column: str
    text: str
    meanwhile: str = ""


Check = Callable[[str, Snapshot], CascadeProblem | None]  # by a node's name
_checks: list[Check] = []


def register(check: Check) -> None:
    """Have it look at cascades, too; the last one registered counts."""
    _checks[:] = [check]


def refuse_unworkable(
    new: Mapping[str, Any], old: Mapping[str, Any], *, may_rest: bool = False
) -> list[CascadeProblem]:
    """Refuse a node whose cascade is changed to one that can't work.

    `new` and `old` are its values by column, `old` is empty for a new node. With `may_rest` it is
    let through where what is missing can come later: these problems are returned. Raises
    ChangeRefused that names the column.
    """
    untouched = all((new.get(each) or "") == (old.get(each) or "") for each in TOUCHING)
    if untouched or not new.get("cascade_model"):
        return []
    columns = {each.name for each in NodeConfiguration._meta.concrete_fields}  # noqa: SLF001 - Django's API
    given = {name: value for name, value in new.items() if name in columns and value is not None}
    row = NodeConfiguration(**given)
    state = snapshot.load()  # as this transaction sees it
    nodes = {**state.nodes, row.node_name: stored_facts.of_node(row)}
    state = replace(state, nodes=nodes)
    found = [each for check in (_own_problem, *_checks) if (each := check(row.node_name, state))]
    for problem in found:
        if not (may_rest and problem.meanwhile):
            raise ChangeRefused(problem.text, field=problem.column)
    return found


def _own_problem(node: str, state: Snapshot) -> CascadeProblem | None:
    facts = state.nodes[node].cascade
    if facts is None:
        return None
    if facts.score == CascadeScore.JUDGE and state.nodes[node].judge is None:
        return CascadeProblem(
            "judge_rubric",
            gettext(
                "The score {score} needs a judge: say in judge_rubric what makes an answer good, or"
                " choose another score."
            ).format(score=facts.score),
        )
    default = str(state.processing.get("provider_id") or "")
    cheap = references.read(facts.model, state, default_provider=default).candidates
    if not cheap:
        return None  # whether a model is listed is looked at elsewhere
    try:
        own = resolve(node, snapshot=state).targets[0].candidate
    except LLMError:
        own = None
    if own is not None and own.model_id in {each.model_id for each in cheap}:
        text = gettext("{model} is the node's own model: name a cheaper one, or none.")
        return CascadeProblem("cascade_model", text.format(model=facts.model))
    if facts.score == CascadeScore.LOGPROBS and not _tells(cheap[0].model):
        return CascadeProblem("cascade_score", _without_logprobs(facts.model, state))
    return None


def _without_logprobs(model: str, state: Snapshot) -> str:
    told = gettext(
        "{model} isn't known to tell log-probabilities: say so on its page under Models, or choose"
        " another score."
    ).format(model=model)
    names = {
        f"{provider}/{model_id}": f"{provider}/{model_id}"
        for (provider, model_id), each in state.models.items()
        if _tells(each) and state.providers[provider].is_enabled
    }
    near = get_close_matches(model, names, MAX_NEAR, 0.4) or sorted(names)[:MAX_NEAR]
    if near:
        told += " " + gettext("Models that do: {names}.").format(names=", ".join(near))
    return told


def _tells(model: Any) -> bool:
    return model is not None and bool(model.supports_logprobs)
