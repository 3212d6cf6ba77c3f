"""The prompt in force for a row, and its closed `{{name}}` substitution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadPrompt
from enrichment.models import Prompt
from llmconfig.client.records import Message

BUILT_IN = 0  # the version of the text that ships with the enrichment
_NAME = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text split at its names: literal, name, literal, name, … literal."""

    parts: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """Put the values in. A value's own braces stay text: it is never read as a template."""
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        return "".join(
            values[part] if position % 2 else part for position, part in enumerate(parts)
        )

    @property
    def names(self) -> frozenset[str]:
        """The names that it uses."""
        return frozenset(self.parts[1::2])


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """A version of a prompt, ready to be filled for one row after the other."""

    version: int
    system: Template
    user: Template

    def messages(self, values: Mapping[str, str]) -> list[Message]:
        """The chat messages for one row."""
        user: Message = {"role": "user", "content": self.user.fill(values)}
        if self.system.parts == ("",):
            return [user]
        return [{"role": "system", "content": self.system.fill(values)}, user]


def compile_text(text: str) -> Template:
    """Split a template at its `{{name}}`s; any other brace is text."""
    return Template(tuple(_NAME.split(text)))


def compile_prompt(
    enrichment: Enrichment, *, system: str, user: str, version: int
) -> CompiledPrompt:
    """Check a prompt's names against what the enrichment offers; raises BadPrompt."""
    compiled = CompiledPrompt(version, compile_text(system), compile_text(user))
    known = offered_names(enrichment)
    unknown = (compiled.system.names | compiled.user.names) - known
    if unknown:
        raise BadPrompt(
            f"{enrichment.name} v{version}: {{{{{min(unknown)}}}}} is not offered;"
            f" there are {', '.join(sorted(known))}.",
            field="user",
        )
    return compiled


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

    def of(self, organization_id: int | None) -> CompiledPrompt:
        """The prompt for a row of this organization."""
        return self._by_organization.get(organization_id) or self._by_organization[None]
