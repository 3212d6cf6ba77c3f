"""Scores that a node's enrichments can't give, for whoever saves its cascade."""

from django.utils.translation import gettext

from enrichment.enrichments import get, names
from enrichment.judging import MIN_KAPPA, Judge, calibration_of, why_it_may_not_decide
from llmconfig.configuration.cascade_rules import CascadeProblem
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import CascadeScore


def problem_of(node: str, state: Snapshot) -> CascadeProblem | None:
    """Why the score of a node's cascade can't be given; None where it can, or nobody knows."""
    facts = state.nodes[node]
    if facts.cascade is None:
        return None
    asking = [each for each in map(get, names()) if each.node == node]
    confident = [each for each in asking if each.states_confidence()]
    if facts.cascade.score == CascadeScore.CONFIDENCE and asking and not confident:
        told = gettext(
            "The answers of {enrichment} state no confidence: choose another score, such as how far"
            " two cheap answers agree."
        )
        return CascadeProblem("cascade_score", told.format(enrichment=asking[0].name))
    if facts.cascade.score != CascadeScore.JUDGE or facts.judge is None:
        return None
    if not asking:
        told = gettext(
            "No enrichment asks this node, so reviewers' verdicts can't calibrate its judge: choose"
            " another score."
        )
        meanwhile = gettext(
            "No enrichment asks this node, so nobody can calibrate its judge: the cascade stays"
            " off, and the node's own model answers everything."
        )
        return CascadeProblem("cascade_score", told, meanwhile)
    judges = [Judge(each.name, facts.judge) for each in asking]
    if not any(why_it_may_not_decide(each) for each in judges):
        return None
    meanwhile = gettext(
        "Its judge may not decide before it is calibrated and agrees with reviewers: until then the"
        " cascade stays off, and the node's own model answers everything. Calibrate it by"
        " `llm_evaluate judge {enrichment}`, or under Judges."
    ).format(enrichment=judges[0].enrichment)
    return CascadeProblem("cascade_score", _uncalibrated(judges[0]), meanwhile)


def _uncalibrated(judge: Judge) -> str:
    found = calibration_of(judge)
    if found is None or found.kappa_low is None:
        told = gettext(
            "The judge isn't calibrated with this rubric and model: save them with another score,"
            " calibrate it under Judges or by `llm_evaluate judge {enrichment}`, and choose this"
            " score then."
        )
        return told.format(enrichment=judge.enrichment)
    told = gettext(
        "The judge agrees too little with reviewers to decide: the lower end of kappa is {low}, and"
        " {least} is needed. Improve the rubric, or choose another score."
    )
    return told.format(low=f"{found.kappa_low:.2f}", least=f"{MIN_KAPPA:g}")
