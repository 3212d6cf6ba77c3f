"""Proposals that metrics mined from past answers: seen beforehand, and adopted as a new version."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.enrichments import get, names
from enrichment.errors import ProposalOutdated, UnknownEnrichment
from enrichment.models import Prompt
from enrichment.prompts import versions
from enrichment.prompts.selection import BUILT_IN, compile_prompt, versions_in_force
from enrichment.quality.gates import FINDING_CODES
from enrichment.substitution import as_text
from llmconfig.roles import User
from metrics.errors import ProposalSettled
from metrics.models import PromptProposal
from metrics.models.patterns import ProposalState
from metrics.patterns.proposals import decide
from metrics.patterns.sources import PromptTexts


class Prompts:
    """Our prompts, as metrics asks for them."""

    def in_force(self) -> Mapping[str, frozenset[int]]:
        """The versions in use of each enrichment, organizations' own as well."""
        return {name: frozenset(versions_in_force(get(name)).values()) for name in names()}

    def texts(self, operation: str, version: int) -> PromptTexts | None:
        """A version's texts, the one that ships with the enrichment as well."""
        if operation not in names():
            return None
        if version == BUILT_IN:
            built_in = get(operation).prompt
            return PromptTexts(built_in.system, built_in.user)
        row = Prompt.objects.filter(enrichment=operation, version=version).first()
        return PromptTexts(row.system, row.user) if row else None

    def advice(self, code: str) -> str:
        """What is registered with the finding's code."""
        known = FINDING_CODES.get(code)
        return known.advice if known else ""


PROMPTS = Prompts()


class Preview(Struct, frozen=True):
    """The version in use beside what a proposal makes of it. `row` is the one it is filled with."""

    before: PromptTexts
    after: PromptTexts
    row: str
    filled: tuple[tuple[str, str], ...]  # the messages for that row: role and text


def proposed_texts(proposal: PromptProposal) -> tuple[PromptTexts, PromptTexts]:
    """Before and after; raises ProposalOutdated when a version is gone."""
    operation = proposal.operation_type
    now = PROMPTS.texts(operation, proposal.prompt_version)
    base = now
    if proposal.better_version is not None:
        base = PROMPTS.texts(operation, proposal.better_version)
    if now is None or base is None:
        raise ProposalOutdated(
            gettext("{operation}: a version that this is about is gone.").format(
                operation=operation
            )
        )
    system = "\n\n".join(part for part in (base.system, proposal.instruction) if part)
    return now, PromptTexts(system, base.user)


def preview(proposal: PromptProposal) -> Preview:
    """What would change, and how it reads for a row of the table. Raises ProposalOutdated."""
    before, after = proposed_texts(proposal)
    enrichment = get(proposal.operation_type)
    columns = {*enrichment.reads}
    row = enrichment.rows().order_by("pk").values("pk", *columns).first()
    if row is None:
        return Preview(before, after, "", ())
    compiled = compile_prompt(enrichment, system=after.system, user=after.user, version=0)
    values = as_text(enrichment.values(row, variant="en"))
    messages = compiled.messages(dict.fromkeys(compiled.fact_names, "") | values)
    filled = tuple((each["role"], str(each["content"])) for each in messages)
    return Preview(before, after, str(row["pk"]), filled)


@transaction.atomic
def adopt(proposal_id: int, *, user: User | None) -> Prompt:
    """Make it the version in use, where the one from before was in use.

    Raises ProposalSettled when somebody has decided on it, ProposalOutdated when another version is
    in use by now, and BadPrompt.
    """
    proposal = PromptProposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalOutdated(
            gettext("There is no proposal {proposal_id} any more.").format(proposal_id=proposal_id)
        )
    if proposal.state != ProposalState.OPEN:
        raise ProposalSettled(
            gettext("Proposal {proposal_id} is {state} already.").format(
                proposal_id=proposal_id, state=proposal.state
            )
        )
    if proposal.operation_type not in names():
        raise UnknownEnrichment(
            gettext("{operation_type!r} is no enrichment.").format(
                operation_type=proposal.operation_type
            ),
            field="processing_type",
        )
    enrichment = get(proposal.operation_type)
    version = versions.next_version(enrichment.name)
    organization_id = _in_use_for(proposal)
    _, after = proposed_texts(proposal)
    compile_prompt(enrichment, system=after.system, user=after.user, version=version)
    decide(proposal.pk, state=ProposalState.ADOPTED, user=user, adopted_version=version)
    return versions.add(
        enrichment.name,
        organization_id=organization_id,
        system=after.system,
        user=after.user,
        note=f"Proposal {proposal.pk}, from answers of version {proposal.prompt_version}",
    )


def dismiss(proposal_id: int, *, user: User | None) -> None:
    """Decide against it; the same reasons don't bring it back. Raises ProposalSettled."""
    decide(proposal_id, state=ProposalState.DISMISSED, user=user)


def _in_use_for(proposal: PromptProposal) -> int | None:
    """Whose prompt the version is, None for the default one.

    Raises ProposalOutdated when it is in use no more.
    """
    in_force = versions_in_force(get(proposal.operation_type))
    for organization_id, version in in_force.items():
        if version == proposal.prompt_version:
            return organization_id
    raise ProposalOutdated(
        gettext(
            "{operation_type} v{prompt_version} is no longer in use; the next run of "
            "`llm_patterns` looks at the one that is."
        ).format(operation_type=proposal.operation_type, prompt_version=proposal.prompt_version)
    )
