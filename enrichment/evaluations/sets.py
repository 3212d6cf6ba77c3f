"""Making sets: from rows, recorded calls, what reviewers decided, or a file of wanted answers."""

import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import CharField, QuerySet, TextField
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.engine.items import Item, answer_all, load_items
from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from enrichment.evaluations.recorded import RecordedSource, recorded_cases
from enrichment.evaluations.wanted_file import WANTED, lines_of
from enrichment.models import EnrichmentResult, ResultState
from enrichment.models.evaluations import EvaluationCase, EvaluationSet, WantedBy
from llmconfig.configuration.numbers import count
from llmconfig.roles import User

NAME_RULE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\Z")
MAX_CASES = 5_000


class CaseSource(Struct, frozen=True):
    """Which rows a set takes, and whose answer is wanted of them.

    `ids` names them, else `limit` are drawn by chance of those that there are (with `within`: of
    those rows; with `wanted_by` review: that a reviewer has decided on, with row: that have a
    value). `file` is CSV with the
    columns row_id and wanted. `calls` are recorded ones instead of rows.
    """

    ids: Sequence[str] | None = None
    limit: int = 200
    wanted_by: str = WantedBy.NOBODY
    file: str = ""
    within: QuerySet[Any] | None = None
    calls: RecordedSource | None = None


def make_set(
    name: str,
    enrichment_name: str,
    source: CaseSource,
    *,
    variant: str = "",
    note: str = "",
    user: User | None = None,
    keep: bool = False,
) -> EvaluationSet:
    """The next version of a set, with these cases; with `keep` those of the version before too.

    Raises UnknownEnrichment, and BadSelection that names the field.
    """
    if not NAME_RULE.match(name):
        raise BadSelection(
            gettext("name: use small letters, digits and hyphens, at most 60."), field="name"
        )
    before = EvaluationSet.objects.filter(name=name).order_by("-version").first()
    of = ("", "", source.calls.node) if source.calls else (enrichment_name, variant, "")
    if before is not None and (before.enrichment, before.variant, before.node) != of:
        said = f"name: {name} is a set of {before.of_what}; choose another name."
        raise BadSelection(said, field="name")
    if source.calls is not None:
        cases = recorded_cases(source.calls, limit=source.limit, user=user)
    else:
        cases = _of_rows(enrichment_name, source, variant)
    if keep and before is not None:
        told = {each.row_id for each in cases}
        cases += [each for each in before.cases.all() if each.row_id not in told]
    if not cases:
        raise BadSelection(gettext("limit: no row of this kind can be asked about."), field="limit")
    if len(cases) > MAX_CASES:
        raise BadSelection(
            gettext("limit: a set has at most {max_cases} rows.").format(
                max_cases=count(MAX_CASES)
            ),
            field="limit",
        )
    with transaction.atomic():
        made = EvaluationSet.objects.create(
            name=name,
            version=before.version + 1 if before else 1,
            enrichment=of[0],
            variant=of[1],
            node=of[2],
            note=note,
            created_by=user,
        )
        for each in cases:
            each.pk, each.evaluation_set = None, made
        EvaluationCase.objects.bulk_create(cases)
    return made


def find(name: str, version: int | None = None) -> EvaluationSet:
    """A version of a set, the newest unless one is named; raises BadSelection."""
    rows = EvaluationSet.objects.filter(name=name).order_by("-version")
    found = (rows if version is None else rows.filter(version=version)).first()
    if found is None:
        known = ", ".join(map(str, EvaluationSet.objects.all()[:20])) or "none yet"
        raise BadSelection(
            gettext("set: there is no such set; there are {known}.").format(known=known),
            field="set",
        )
    return found


def _of_rows(name: str, source: CaseSource, variant: str) -> list[EvaluationCase]:
    enrichment = get(name)
    creation.check_variant(enrichment, variant)
    wanted = _wanted(enrichment, source, variant)
    return _cases(enrichment, list(wanted), wanted, source, variant)


def _wanted(enrichment: Enrichment, source: CaseSource, variant: str) -> dict[str, Any]:
    """The rows' ids, each with the wanted answer as far as it is known."""
    if source.file:
        return _of_file(enrichment, source.file)
    if source.wanted_by == WantedBy.ROW and not enrichment.writes:
        said = gettext("wanted_by: {label} writes no column, so no row has a value.")
        raise BadSelection(said.format(label=enrichment.label), field="wanted_by")
    if source.wanted_by == WantedBy.REVIEW:
        return _of_reviews(enrichment, source, variant)
    rows = enrichment.rows()
    if source.ids is not None:
        keys = [enrichment.checked_key(each) for each in source.ids]
    else:
        drawn = (
            rows.all() if source.within is None else rows.filter(pk__in=source.within.values("pk"))
        )
        if source.wanted_by == WantedBy.ROW:
            drawn = _with_value(drawn, enrichment, variant)
        keys = list(drawn.order_by("pk").values_list("pk", flat=True))
        keys = random.sample(keys, min(source.limit, len(keys)))
    if source.wanted_by != WantedBy.ROW:
        return dict.fromkeys(map(str, keys))
    values = dict(rows.filter(pk__in=keys).values_list("pk", enrichment.writes))
    if enrichment.by_variant:
        values = {key: (value or {}).get(variant) for key, value in values.items()}
    return {str(key): each for key, each in values.items() if each is not None and each != ""}


def _with_value(rows: QuerySet[Any], enrichment: Enrichment, variant: str) -> QuerySet[Any]:
    """Those rows whose column holds something, so that as many are drawn as were asked for."""
    if enrichment.by_variant:
        return rows.filter(**{f"{enrichment.writes}__has_key": variant})
    filled = rows.exclude(**{f"{enrichment.writes}__isnull": True})
    if isinstance(enrichment.column(), CharField | TextField):
        filled = filled.exclude(**{enrichment.writes: ""})
    return filled


def _of_reviews(enrichment: Enrichment, source: CaseSource, variant: str) -> dict[str, Any]:
    """What stands after a reviewer's decision, the newest of each row."""
    decided = EnrichmentResult.objects.filter(
        enrichment=enrichment.name, target=enrichment.target, variant=variant,
        reviewed_at__isnull=False, state=ResultState.APPLIED,
    )  # fmt: skip
    ids = source.ids
    if ids is None and source.within is not None:
        ids = list(source.within.values_list("pk", flat=True))
    if ids is not None:
        decided = decided.filter(row_id__in=[str(each) for each in ids])
    found = dict(decided.order_by("id").values_list("row_id", "value"))
    drawn = random.sample(sorted(found), min(source.limit, len(found)))
    return {row: found[row] for row in drawn}


def _of_file(enrichment: Enrichment, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines_of(text):
        key = str(enrichment.checked_key(line.row_id))
        if key in found:
            raise BadSelection(
                gettext("file: line {line}: row {row} stands above already.").format(
                    line=line.number, row=key
                ),
                field="file",
            )
        found[key] = _read(enrichment, line.wanted, line.number)
        if len(found) > MAX_CASES:
            raise BadSelection(
                gettext("file: a set has at most {max_cases} rows.").format(
                    max_cases=count(MAX_CASES)
                ),
                field="file",
            )
    if not found:
        raise BadSelection(gettext("file: it names no row."), field="file")
    return found


def _read(enrichment: Enrichment, text: str, line: int) -> Any:
    """A wanted answer as the column holds it; blank is unknown."""
    if not text.strip():
        return None
    if enrichment.schema is None:
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        said = gettext("file: line {line}: {column} must be JSON, as the column holds it.").format(
            line=line, column=WANTED
        )
        raise BadSelection(said, field="file") from error
    misfit = enrichment.misfit(value)
    if misfit:
        raise BadSelection(
            gettext("file: line {line}: {misfit}").format(line=line, misfit=misfit), field="file"
        )
    return value


def _cases(
    enrichment: Enrichment,
    ids: Sequence[str],
    wanted: Mapping[str, Any],
    source: CaseSource,
    variant: str,
) -> list[EvaluationCase]:
    """Those rows that a model would be asked about, as they say now."""
    by = WantedBy.FILE if source.file else source.wanted_by
    ready = answer_all(
        [item for item in load_items(enrichment, ids, variant=variant) if item.settled is None]
    )
    return [
        EvaluationCase(
            row_id=item.row_id,
            organization_id=item.organization_id,
            values=dict(item.values),
            columns=_plain(item.columns),
            wanted=wanted[item.row_id],
            wanted_by=by if wanted[item.row_id] is not None else WantedBy.NOBODY,
        )
        for item in _items(ready)
    ]


def _items(ready: Iterable[Any]) -> list[Item]:
    return [each for each in ready if isinstance(each, Item)]


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has them; gates compare numbers, texts and switches."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(columns), cls=DjangoJSONEncoder))
    return plain
