"""The prompt in force for a row, and its closed `{{name}}` substitution."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadPrompt
from enrichment.facts.questions import PREFIX
from enrichment.models import Prompt
from enrichment.prompts.labels import label_here
from enrichment.substitution import Template, compile_text
from llmconfig.client.pipeline.token_estimates import MEAN_CHARACTERS_PER_TOKEN
from llmconfig.client.types import Message, SharedPrefix
from llmconfig.client.wire.reading import dump

BUILT_IN = 0  # the version of the text that ships with the enrichment
UNSAVED = -1  # of a wording that is no version yet; no result has it


class CompiledPrompt(Struct, frozen=True):
    """A version of a prompt, ready to be filled for one row after the other."""

    version: int
    system: Template
    user: Template
    fact_names: frozenset[str] = frozenset()  # those of its names that sources of facts answer
    prefix: SharedPrefix | None = (
        None  # what all its calls begin with; whoever is asked may cache it
    )

    @property
    def told_version(self) -> int | None:
        """As a call's record has it; None for a wording that isn't saved."""
        return None if self.version == UNSAVED else self.version

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
        told = "" if version == UNSAVED else f" v{version}"
        raise BadPrompt(
            gettext("{name}{told}: {{{{{unknown}}}}} is not offered; there are {names}.").format(
                name=enrichment.name,
                told=gettext(", built-in prompt") if version == BUILT_IN else told,
                unknown=min(unknown),
                names=", ".join(sorted(known)),
            ),
            field="user",
        )
    prefix = _prefix(enrichment, texts[0], version)
    return CompiledPrompt(version, *texts, fact_names=of_sources, prefix=prefix)


def _prefix(enrichment: Enrichment, system: Template, version: int) -> SharedPrefix:
    """The system prompt and the schema; nothing where rows' values are in it."""
    key = f"{enrichment.name}-{version}"
    if system.names:
        return SharedPrefix(key, 0)
    schema = len(dump(dict(enrichment.schema))) if enrichment.schema else 0
    return SharedPrefix(
        key,
        system_tokens=len(system.parts[0]) // MEAN_CHARACTERS_PER_TOKEN,
        schema_tokens=schema // MEAN_CHARACTERS_PER_TOKEN,
    )


def offered_names(enrichment: Enrichment) -> frozenset[str]:
    """The names that an enrichment's values have, read off an empty row."""
    empty = dict.fromkeys(enrichment.reads)
    return frozenset(enrichment.values(empty, variant="en"))


def built_in_problem(enrichment: Enrichment) -> str:
    """Why the prompt that ships with an enrichment can't be filled for any row; else blank."""
    text = enrichment.prompt
    try:
        compile_prompt(enrichment, system=text.system, user=text.user, version=BUILT_IN)
    except BadPrompt as error:
        return str(error).removeprefix(enrichment.name).lstrip(", ")
    except KeyError as error:
        return gettext("values() takes {column} from its row, which reads doesn't name.").format(
            column=error
        )
    except Exception as error:  # noqa: BLE001 - a project's own code, which may do anything
        return gettext("values() fails for a row whose columns are NULL: {error}.").format(
            error=f"{type(error).__name__}: {error}"
        )
    return ""


class TriedPrompt(Struct, frozen=True):
    """A wording that is looked at as if it were in force: for one organization's rows, or for all
    that have no prompt of their own (None).
    """

    prompt: CompiledPrompt
    organization_id: int | None = None


def versions_in_force(
    enrichment: Enrichment, *, draft: TriedPrompt | None = None
) -> dict[int | None, int]:
    """The versions in use by organization's id; None's is the default one."""
    found = {None: BUILT_IN} | {key: row.version for key, row in _in_force(enrichment).items()}
    return found | ({draft.organization_id: draft.prompt.version} if draft else {})


def compiled_version(enrichment: Enrichment, version: int) -> CompiledPrompt | None:
    """A version's prompt, also the one that ships with the enrichment; None if there is none."""
    if version == BUILT_IN:
        text = enrichment.prompt
        return compile_prompt(enrichment, system=text.system, user=text.user, version=BUILT_IN)
    row = Prompt.objects.filter(enrichment=enrichment.name, version=version).first()
    return _compiled(enrichment, row) if row else None


class _Wording(NamedTuple):
    """What a version of a prompt says, and for which organization's rows; None: for all."""

    organization_id: int | None
    version: int
    system: str
    user: str


def _compiled(enrichment: Enrichment, row: "_Wording | Prompt") -> CompiledPrompt:
    return compile_prompt(enrichment, system=row.system, user=row.user, version=row.version)


# The labelled version last: it takes the place of the active one.
_IN_FORCE = """
SELECT organization_id, version, system, "user" FROM enrichment_prompts
WHERE enrichment = %s AND (is_active OR (%s <> '' AND %s = ANY(labels)))
ORDER BY %s = ANY(labels)
"""


def _in_force(enrichment: Enrichment) -> dict[int | None, _Wording]:
    """By organization's id: the version with the label that this process uses, else the active."""
    label = label_here()
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE, [enrichment.name, label, label, label])
        found = map(_Wording._make, cursor.fetchall())
        return {each.organization_id: each for each in found}


class PromptsInForce:
    """The prompts in use of one enrichment: an organization's own, else the default one."""

    def __init__(self, enrichment: Enrichment, *, draft: TriedPrompt | None = None) -> None:
        built_in = enrichment.prompt
        self._by_organization: dict[int | None, CompiledPrompt] = {
            None: compile_prompt(
                enrichment, system=built_in.system, user=built_in.user, version=BUILT_IN
            )
        }
        for key, row in _in_force(enrichment).items():
            self._by_organization[key] = _compiled(enrichment, row)
        if draft is not None:
            self._by_organization[draft.organization_id] = draft.prompt

    @property
    def fact_names(self) -> frozenset[str]:
        """Names that any of them has from sources of facts."""
        return frozenset().union(*(each.fact_names for each in self._by_organization.values()))

    def of(self, organization_id: int | None) -> CompiledPrompt:
        """The prompt for a row of this organization."""
        return self._by_organization.get(organization_id) or self._by_organization[None]
