"""The prompt in force for a row, and its closed `{{name}}` substitution."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadPrompt
from enrichment.facts.questions import PREFIX
from enrichment.models import Prompt
from enrichment.substitution import Template, compile_text
from llmconfig.client.pipeline.token_estimates import MEAN_CHARACTERS_PER_TOKEN
from llmconfig.client.types import Message, SharedPrefix
from llmconfig.client.wire.prompt_cache import key_pays
from llmconfig.client.wire.reading import dump

BUILT_IN = 0  # the version of the text that ships with the enrichment


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """A version of a prompt, ready to be filled for one row after the other."""

    version: int
    system: Template
    user: Template
    fact_names: frozenset[str] = frozenset()  # those of its names that sources of facts answer
    prefix: SharedPrefix | None = None  # what all its calls begin with, where that may be cached

    def messages(self, values: Mapping[str, str]) -> list[Message]:
        """The chat messages for one row."""
        user: Message = {"role": "user", "content": self.user.fill(values)}
        if self.system.parts == ("",):
            return [user]
        return [{"role": "system", "content": self.system.fill(values)}, user]


def compile_prompt(
    enrichment: Enrichment,
    *,
    system: str,
    user: str,
    version: int,
    facts: Iterable[str] | None = None,
) -> CompiledPrompt:
    """Check a prompt's names against what the enrichment offers; raises BadPrompt.

    `facts` are the names that sources of facts offer. None takes any: a prompt outlives its source,
    and the name then stands for nothing.
    """
    texts = compile_text(system), compile_text(user)
    names = texts[0].names | texts[1].names
    of_sources = frozenset(name for name in names if name.startswith(PREFIX))
    known = offered_names(enrichment) | frozenset(facts or ())
    unknown = names - known
    if facts is None and enrichment.takes_facts:
        unknown -= of_sources
    if unknown:
        raise BadPrompt(
            f"{enrichment.name} v{version}: {{{{{min(unknown)}}}}} is not offered;"
            f" there are {', '.join(sorted(known))}.",
            field="user",
        )
    prefix = _prefix(enrichment, texts[0], version)
    return CompiledPrompt(version, *texts, fact_names=of_sources, prefix=prefix)


def _prefix(enrichment: Enrichment, system: Template, version: int) -> SharedPrefix | None:
    """The system prompt and the schema; None where rows' values are in it, or it is too short."""
    if system.names:
        return None
    schema = len(dump(dict(enrichment.schema))) if enrichment.schema else 0
    found = SharedPrefix(
        key=f"{enrichment.name}-{version}",
        system_tokens=len(system.parts[0]) // MEAN_CHARACTERS_PER_TOKEN,
        schema_tokens=schema // MEAN_CHARACTERS_PER_TOKEN,
    )
    return found if key_pays(found) else None


def offered_names(enrichment: Enrichment) -> frozenset[str]:
    """The names that an enrichment's values have, read off an empty row."""
    empty = dict.fromkeys(enrichment.reads)
    return frozenset(enrichment.values(empty, variant="en"))


def versions_in_force(enrichment: Enrichment) -> dict[int | None, int]:
    """The active versions by organization's id; None's is the default one."""
    active = Prompt.objects.filter(enrichment=enrichment.name, is_active=True)
    return {None: BUILT_IN} | dict(active.values_list("organization_id", "version"))


class PromptsInForce:
    """The active prompts of one enrichment: an organization's own, else the default one."""

    def __init__(self, enrichment: Enrichment) -> None:
        built_in = enrichment.prompt
        self._by_organization: dict[int | None, CompiledPrompt] = {
            None: compile_prompt(
                enrichment, system=built_in.system, user=built_in.user, version=BUILT_IN
            )
        }
        for row in Prompt.objects.filter(enrichment=enrichment.name, is_active=True):
            self._by_organization[row.organization_id] = compile_prompt(
                enrichment, system=row.system, user=row.user, version=row.version
            )

    @property
    def fact_names(self) -> frozenset[str]:
        """Names that any of them has from sources of facts."""
        return frozenset().union(*(each.fact_names for each in self._by_organization.values()))

    def of(self, organization_id: int | None) -> CompiledPrompt:
        """The prompt for a row of this organization."""
        return self._by_organization.get(organization_id) or self._by_organization[None]
