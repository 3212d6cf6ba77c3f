"""What patterns propose for prompts, and what became of it once a person had adopted it."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.roles import User
from llmconfig.runtime.records import asdict
from metrics.analyzers.intervals import Share
from metrics.analyzers.quality import Grouping, Quality, quality
from metrics.analyzers.sequential import gap, p_of_shares
from metrics.errors import ProposalSettled
from metrics.models import PromptProposal
from metrics.models.patterns import ProposalState
from metrics.patterns import sources, wording
from metrics.patterns.history import Version
from metrics.patterns.problems import LONGEST, Cluster
from metrics.patterns.sources import PromptSource

FEWEST = 5  # answers with a problem, before a prompt is changed for it
MIN_SHARE = 0.02
MOST = 5  # findings that one proposal takes up
MIN_ANSWERS = 30  # of each version, before one is said to be better
ALPHA = 0.05
EFFECT_DAYS = 90  # that before and after are looked at


class Finding(Struct, frozen=True):
    """One reason for a change, with its evidence. `advice` is what is said to the model."""

    found_by: str  # check, reviewer, or version: an older one was better
    code: str  # the check's; blank where it has none
    said: str
    advice: str
    answers: int
    of: int
    low: float
    high: float
    examples: list[dict[str, str]]


class Effect(Struct, frozen=True):
    """The version from before beside the one that a proposal became. p is None of too few."""

    before: Quality | None
    after: Quality | None
    p_passed: float | None
    p_accepted: float | None
    p_score: float | None


def renew(versions: Sequence[Version], clusters: Sequence[Cluster]) -> int:
    """Bring the open proposals up to the evidence of now; how many there are."""
    in_force = sources.in_force()
    kept = set()
    for (operation, version), source in in_force.items():
        findings, better = _findings(operation, version, source, versions, clusters)
        if findings:
            kept.add((operation, version))
            _renew(operation, version, better, findings)
    for each in PromptProposal.objects.filter(state=ProposalState.OPEN):
        if (each.operation_type, each.prompt_version) not in kept:
            each.delete()  # nothing speaks for it any more
    return PromptProposal.objects.filter(state=ProposalState.OPEN).count()


def _findings(
    operation: str,
    version: int,
    source: PromptSource,
    versions: Sequence[Version],
    clusters: Sequence[Cluster],
) -> tuple[list[Finding], int | None]:
    ours = [each for each in versions if each.operation == operation]
    present = [each for each in ours if each.version == version]
    total = sum(each.passed.number for each in present)
    better = _better(present, ours)
    if better is not None:
        return [_went_back(better)], better.version
    texts = source.texts(operation, version)
    if not total or texts is None:
        return [], None
    found = []
    for cluster in clusters:
        if cluster.operation == operation and cluster.source in {"check", "reviewer"}:
            finding = _finding(cluster.of_version(version), total, source)
            if finding is not None and finding.advice not in texts.system:
                found.append(finding)
    found.sort(key=lambda each: -each.answers)
    return found[:MOST], None


def _finding(cluster: Cluster, total: int, source: PromptSource) -> Finding | None:
    answers = cluster.answers
    if answers < FEWEST or answers < MIN_SHARE * total:
        return None
    said = cluster.said[:LONGEST]
    advice = (
        source.advice(cluster.code) if cluster.source == "check" else wording.of_reviewers(said)
    )
    if not advice:
        return None
    share = Share(answers, max(total, answers))
    return Finding(
        cluster.source, cluster.code, said, advice, answers, share.number, share.low, share.high,
        cluster.examples(),
    )  # fmt: skip


def _better(present: Sequence[Version], ours: Sequence[Version]) -> Version | None:
    """A version whose answers pass, or are accepted, more often than by chance."""
    for now in present:
        for other in ours:
            if other.version in {None, now.version} or other.node_type != now.node_type:
                continue
            shares = ((other.accepted, now.accepted), (other.passed, now.passed))
            for theirs, its in shares:
                if min(theirs.number, its.number) < MIN_ANSWERS:
                    continue
                above = (theirs.value or 0) > (its.value or 0)
                if p_of_shares(theirs, its) < ALPHA:
                    if above:
                        return other
                    break  # what people say outranks what checks say
    return None


def _went_back(better: Version) -> Finding:
    share = better.accepted if better.accepted.number >= MIN_ANSWERS else better.passed
    word = "accepted unchanged" if share is better.accepted else "passed all checks"
    said = f"Version {better.version} did better: {share.hits} of {share.number} {word}."
    return Finding("version", "", said, "", share.hits, share.number, share.low, share.high, [])


def _renew(operation: str, version: int, better: int | None, findings: Sequence[Finding]) -> None:
    """One open proposal for a version; worded anew only when its reasons are others."""
    # Counts grow with each answer; what is proposed for is the same.
    reasons = "\x1f".join(sorted(each.code or each.advice or each.said[:20] for each in findings))
    key = hashlib.sha256(reasons.encode()).hexdigest()
    evidence: list[dict[str, Any]] = [asdict(each) for each in findings]
    same = PromptProposal.objects.filter(operation_type=operation, prompt_version=version)
    if same.filter(state=ProposalState.DISMISSED, findings_key=key).exists():
        same.filter(state=ProposalState.OPEN).delete()
        return
    known = same.filter(state=ProposalState.OPEN).first()
    if known is not None and known.findings_key == key:
        known.findings = evidence
        known.save(update_fields=["findings", "updated_at"])
        return
    worded = wording.Worded("", "") if better is not None else _worded(operation, version, findings)
    PromptProposal.objects.update_or_create(
        operation_type=operation,
        prompt_version=version,
        state=ProposalState.OPEN,
        defaults={
            "better_version": better,
            "instruction": worded.text,
            "worded_by": worded.by,
            "findings": evidence,
            "findings_key": key,
        },
    )


def _worded(operation: str, version: int, findings: Sequence[Finding]) -> wording.Worded:
    texts = sources.texts(operation, version)
    reasons = [
        wording.CountedReason(each.advice, each.said, each.answers, each.of) for each in findings
    ]
    return wording.word(texts.system if texts else "", reasons)


@transaction.atomic
def decide(
    proposal_id: int, *, state: ProposalState, user: User | None, adopted_version: int | None = None
) -> PromptProposal:
    """Settle an open proposal, in the caller's transaction. Raises ProposalSettled."""
    proposal = PromptProposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None or proposal.state != ProposalState.OPEN:
        raise ProposalSettled(
            gettext("There is no open proposal {proposal_id}.").format(proposal_id=proposal_id)
        )
    proposal.state, proposal.adopted_version = state, adopted_version
    proposal.decided_by, proposal.decided_at = user, timezone.now()
    proposal.save()
    return proposal


def effect(proposal: PromptProposal) -> Effect | None:
    """What its adoption changed, by the answers that are kept; None unless it was adopted."""
    if proposal.adopted_version is None or proposal.decided_at is None:
        return None
    reach = dt.timedelta(days=EFFECT_DAYS)
    before = _of(proposal.operation_type, proposal.prompt_version,
                 proposal.decided_at - reach, proposal.decided_at)  # fmt: skip
    after = _of(proposal.operation_type, proposal.adopted_version,
                proposal.decided_at, proposal.decided_at + reach)  # fmt: skip
    if before is None or after is None:
        return Effect(before, after, None, None, None)
    scores = None
    if min(before.score.number, after.score.number) >= MIN_ANSWERS:
        scores = gap(before.score, after.score).p()
    return Effect(
        before,
        after,
        _p(before.passed, after.passed),
        _p(before.accepted, after.accepted),
        scores,
    )


def _of(operation: str, version: int, since: dt.datetime, until: dt.datetime) -> Quality | None:
    found = quality(
        since=since, until=until, by=Grouping.PROMPT, operation=operation, prompt_version=version
    )
    return found[0] if found else None


def _p(one: Share, other: Share) -> float | None:
    return p_of_shares(one, other) if min(one.number, other.number) >= MIN_ANSWERS else None
