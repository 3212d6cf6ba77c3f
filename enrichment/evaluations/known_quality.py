"""What finished runs say of two models of a node, for who is about to change it."""

from collections.abc import Iterable

from django.db.models import Count
from django.utils.translation import gettext

from enrichment.evaluations.comparison import AGREES, CHRF, PASSES, compare
from enrichment.evaluations.measures import Difference
from enrichment.models import EvaluationAnswer, EvaluationRun
from enrichment.models.evaluations import RunStatus

NEWEST_RUNS = 50  # of a node, that are looked at
TOLD = (AGREES, CHRF, PASSES)


def quality_of_change(node: str, before: str, after: str) -> str:
    """The newest comparison of two models, as provider/model, over one set, in a sentence.

    Where no finished runs compare them, it says that and how to have it; blank for cascades, which
    keep a promise of their own, and where nobody answers.
    """
    if not (_is_one_model(before) and _is_one_model(after)):
        return ""
    found = _newest_pair(node, before, after)
    if found is None:
        return gettext(
            "no two runs over one set compare these models' answers yet: start them under Sets, or"
            " by `manage.py llm_evaluate run SET --model {model}`."
        ).format(model=after)
    first, second = found
    compared = compare(first, second)
    told = [each for each in compared.differences if each.measure in TOLD]
    return gettext("over the set {name} ({rows} rows): {figures}.").format(
        name=first.evaluation_set, rows=len(compared.cases), figures=", ".join(map(_figure, told))
    )


def _is_one_model(reference: str) -> bool:
    return "/" in reference and " " not in reference


def _newest_pair(node: str, before: str, after: str) -> tuple[EvaluationRun, EvaluationRun] | None:
    """The newest run of the model after, and the newest of the one before with the same prompt."""
    runs = list(
        EvaluationRun.objects.filter(node=node, status=RunStatus.DONE, cascade=None)
        .select_related("evaluation_set")
        .order_by("-created_at")[:NEWEST_RUNS]
    )
    models = _models_of(runs)
    for second in _of_model(runs, models, after):
        for first in _of_model(runs, models, before):
            if _set_and_prompt(first) == _set_and_prompt(second):
                return first, second
    return None


def _models_of(runs: Iterable[EvaluationRun]) -> dict[object, str]:
    """The model that answered most of each run, by the run's key."""
    counted = (
        EvaluationAnswer.objects.filter(run__in=runs)
        .exclude(model_used="")
        .values_list("run", "model_used")
        .annotate(number=Count("id"))
        .order_by("number")
    )
    return {run: model for run, model, _ in counted}


def _of_model(
    runs: Iterable[EvaluationRun], models: dict[object, str], reference: str
) -> list[EvaluationRun]:
    model = reference.partition("/")[2]
    return [each for each in runs if models.get(each.pk) == model]


def _set_and_prompt(run: EvaluationRun) -> tuple[object, int | None]:
    return run.evaluation_set_id, run.prompt_version


def _figure(each: Difference) -> str:
    said = {
        AGREES: gettext("agrees with the wanted answer {first} → {second}"),
        CHRF: gettext("chrF to the wanted text {first} → {second}"),
        PASSES: gettext("passes the gates {first} → {second}"),
    }[each.measure].format(first=_percent(each.first), second=_percent(each.second))
    if not each.verdict or each.low is None or each.high is None:
        return gettext("{figure} (no difference shown)").format(figure=said)
    return gettext("{figure} ({low} to {high} points)").format(
        figure=said, low=f"{100 * each.low:+.0f}", high=f"{100 * each.high:+.0f}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
