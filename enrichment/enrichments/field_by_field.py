"""What the enrichments share whose answer is an object, each field of which is judged by itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.enrichments.contract import Enrichment, Judgement, schema_misfit
from enrichment.errors import InputChanged
from enrichment.models import EnrichmentResult, ResultState
from enrichment.quality.findings import FINDING_CODES, GateFinding, register_code
from llmconfig.client.types import Generation
from llmconfig.runtime.records import replace

HELD_TOGETHER = register_code("held_together", _("Belongs to a field that waits"))
FIELD = "field"  # in a finding's data: which one it is about

Asked = Callable[[Mapping[str, Any]], Sequence[GateFinding]]


class FieldByField(Enrichment):
    """Fields that pass the gates are applied; the others wait for a reviewer, each with its reason.

    The value is an object in a JSON column; of a list in it each member is judged alone. Nothing is
    applied where a finding is about the answer (`of_answer`) or can't be tied to a field, or where
    what is left doesn't pass by itself. A field that waits is absent from the column until then,
    also where the schema requires it of the model.
    """

    together: ClassVar[tuple[frozenset[str], ...]] = ()  # fields that wait for one another
    indispensable: ClassVar[frozenset[str]] = frozenset()  # without these nothing is applied

    def judge(
        self,
        answer: Generation,
        values: Mapping[str, str],
        *,
        variant: str,
        floor: float,
        columns: Mapping[str, Any],
    ) -> Judgement:
        """Hold the whole to the gates, and where it fails each field by itself."""
        judged = super().judge(answer, values, variant=variant, floor=floor, columns=columns)
        if judged.rejected or not judged.findings or not isinstance(judged.value, dict):
            return judged

        def ask(part: Mapping[str, Any]) -> Sequence[GateFinding]:
            return self.objections(part, values, variant=variant, columns=columns)

        return self._divided(judged, ask)

    def _divided(self, judged: Judgement, ask: Asked) -> Judgement:
        if _is_of_answer(judged.findings):
            return judged
        parts = [(name, part, ask({name: part})) for name, part in _parts(judged.value)]
        doubts = [each for _, _, found in parts for each in found]
        tied = {each.code for each in doubts}
        if _is_of_answer(doubts) or any(each.code not in tied for each in judged.findings):
            return judged
        held = {name for name, _, found in parts if found}
        drawn_in = dict(self._drawn_in(judged.value, held))
        kept: dict[str, Any] = {}
        for name, part, found in parts:
            if not found and name not in drawn_in:
                kept[name] = [*kept.get(name, ()), *part] if isinstance(part, list) else part
        if not kept or held & self.indispensable or ask(kept):
            return judged
        named = [_of_field(name, each) for name, _, found in parts for each in found]
        named += [_of_field(*pair) for pair in _belonging(drawn_in, held)]
        return replace(
            judged, findings=(), value=kept, suggestion=judged.value, doubts=tuple(named)
        )

    def _drawn_in(self, names: Iterable[str], held: set[str]) -> Iterator[tuple[str, str]]:
        """The fields of each group of which one is held, with that one."""
        for group in self.together:
            cause = min(group & held, default="")
            if cause:
                yield from ((name, cause) for name in names if name in group)


def _parts(whole: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is judged alone: a field, of a list each member as a list of one."""
    for name, value in whole.items():
        parts = [[each] for each in value] if isinstance(value, list) and value else [value]
        yield from ((name, part) for part in parts)


def _belonging(drawn_in: Mapping[str, str], held: set[str]) -> Iterator[tuple[str, GateFinding]]:
    for name, cause in drawn_in.items():
        if name not in held:
            text = f"It belongs to {cause}, which waits."
            yield name, GateFinding(HELD_TOGETHER, text, {"with": cause})


def _of_field(name: str, finding: GateFinding) -> GateFinding:
    return replace(finding, text=f"{name}: {finding.text}", data={FIELD: name, **finding.data})


def _is_of_answer(findings: Sequence[GateFinding]) -> bool:
    known = (FINDING_CODES.get(each.code) for each in findings)
    return any(each is not None and each.of_answer for each in known)


def waiting_fields(enrichment: Enrichment, result: EnrichmentResult) -> dict[str, Any] | None:
    """The fields of an applied result that wait for a person; None where it isn't so divided.

    Of a list that was applied in part, the members that weren't.
    """
    whole, applied = result.suggestion, result.value
    if not isinstance(enrichment, FieldByField) or result.state != ResultState.APPLIED:
        return None
    if not isinstance(whole, dict) or not isinstance(applied, dict):
        return None
    return dict(_remaining(whole, applied))


def _remaining(whole: Mapping[str, Any], applied: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in whole.items():
        if name not in applied:
            yield name, value
        elif isinstance(value, list):
            members = [each for each in value if each not in applied[name]]
            if members:
                yield name, members


def completed(
    current: Any, *, fields: Mapping[str, Any], row_id: str = "", may_replace: bool = True
) -> dict[str, Any]:
    """A row's value with these fields too: lists get the members that they lack.

    Raises InputChanged where the row has one of them otherwise by now, unless that may be replaced.
    """
    whole = dict(current) if isinstance(current, dict) else {}
    for name, value in fields.items():
        there = whole.get(name)
        if isinstance(value, list) and isinstance(there, list):
            whole[name] = [*there, *(each for each in value if each not in there)]
        elif there in (None, value) or may_replace:
            whole[name] = value
        else:
            said = gettext(
                "{field} of row {row_id} has been written since this was suggested: reject the"
                " suggestion, or save it edited."
            )
            raise InputChanged(said.format(field=name, row_id=row_id))
    return whole


def fields_misfit(enrichment: Enrichment, value: Any, waiting: Mapping[str, Any]) -> str:
    """Why a reviewer's fields can't stand in place of those that wait; blank when they can."""
    if not isinstance(value, dict) or not value:
        return gettext("It must be an object of the fields that wait: {names}.").format(
            names=", ".join(waiting)
        )
    others = [name for name in value if name not in waiting]
    if others:
        return gettext("{name} doesn't wait for a decision; {names} can be written here.").format(
            name=others[0][:40], names=", ".join(waiting)
        )
    return schema_misfit({**(enrichment.schema or {}), "required": []}, value)
