"""Each model that configuration names for a call: who serves it, and whether they list it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from django.db.models import Model, TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.configuration import listing
from llmconfig.configuration.candidates import WantedModel, read_wanted, wanted_models
from llmconfig.configuration.layers import CALLER, INTERACTION, NODE, PROCESSING
from llmconfig.configuration.references import Candidate
from llmconfig.configuration.resolution import Resolution
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.models import ExperimentArm, GlobalConfig, LLMConfig, NodeConfiguration

# The rows that say of their models that they exist all the same; asked only where it matters.
AllowedRows = Callable[[], Mapping[type[Model], set[str]]]
DEGRADE = "degrade_to"


class Listing(TextChoices):
    """Whether the provider lists a model; unknown where no model of the provider is known."""

    LISTED = "listed", _("Listed")
    UNLISTED = "unlisted", _("Not listed by its provider")
    UNKNOWN = "unknown", _("Unknown: the provider's models were never discovered")


class NamedModel(Struct, frozen=True):
    """One reference of the configuration. `role` is model, fallback or degrade_to.

    `targets` are the providers with their names for it; `nearest` are listed models with like
    names. `problem` says why it can't be served; blank if it can, or if nobody knows.
    """

    reference: str
    role: str
    listing: Listing
    targets: tuple[str, ...]
    nearest: tuple[str, ...]
    problem: str


def named_models(
    found: Resolution,
    state: Snapshot,
    *,
    key_problems: Mapping[str, str],
    allowed: AllowedRows,
    arm_id: str = "",
) -> list[NamedModel]:
    """All that a call resolved so may be sent to, in the order of trying, `degrade_to` last.

    `key_problems` says by provider why its key can't be read, `arm_id` whose values were given.
    """
    node = state.nodes.get(found.name)
    azure = node.azure.model if node else ""
    return [
        _judged(
            each, role, state, azure=azure, key_problems=key_problems,
            exists=partial(_exists, each, found, allowed, arm_id),
        )
        for each, role in _named(found, state)
    ]  # fmt: skip


def _named(found: Resolution, state: Snapshot) -> Iterator[tuple[WantedModel, str]]:
    for each in wanted_models(found.layers):
        yield each, "fallback" if each.is_fallback else "model"
    cheaper = state.degradations.get(found.interaction_type)
    if cheaper is not None:
        yield WantedModel(cheaper.reference, "", azure=True, layer=INTERACTION), DEGRADE


def _exists(each: WantedModel, found: Resolution, allowed: AllowedRows, arm_id: str) -> bool:
    """Whether the row that names it says that it exists, whatever the provider lists."""
    if each.layer == NODE:
        return found.name in allowed()[NodeConfiguration]
    if each.layer == INTERACTION:
        return found.interaction_type in allowed()[GlobalConfig]
    if each.layer == PROCESSING:
        return bool(allowed()[LLMConfig])
    return each.layer == CALLER and arm_id in allowed()[ExperimentArm]


def _judged(
    wanted: WantedModel,
    role: str,
    state: Snapshot,
    *,
    azure: str,
    key_problems: Mapping[str, str],
    exists: Callable[[], bool],
) -> NamedModel:
    reading = read_wanted(wanted, state, azure)
    if not reading.candidates:
        return NamedModel(wanted.reference, role, Listing.UNKNOWN, (), (), reading.warning)
    listings = [_listing(each, state) for each in reading.candidates]
    best = next((each for each in Listing if each in listings), Listing.UNKNOWN)
    asked = reading.candidates[0]
    nearest: tuple[str, ...] = ()
    problem = next(
        (text for each in reading.candidates if (text := key_problems.get(each.provider.name, ""))),
        "",
    )
    if best == Listing.UNLISTED:
        nearest = tuple(listing.nearest(asked.model_id, state, provider=asked.provider.name))
        if not exists():
            problem = _unlisted(asked, nearest)
    targets = tuple(f"{each.provider.name}/{each.model_id}" for each in reading.candidates)
    return NamedModel(wanted.reference, role, best, targets, nearest, problem)


def _listing(each: Candidate, state: Snapshot) -> Listing:
    if each.model is not None:
        return Listing.LISTED
    known = listing.is_discovered(each.provider.name, state)
    return Listing.UNLISTED if known else Listing.UNKNOWN


def _unlisted(asked: Candidate, nearest: tuple[str, ...]) -> str:
    sentences = [
        gettext("{provider} doesn't list {model!r}.").format(
            provider=asked.provider.name, model=asked.model_id
        ),
        gettext("Did you mean {names}?").format(names=", ".join(nearest)) if nearest else "",
        gettext("Name another, or set {field} if it exists all the same.").format(
            field=listing.ALLOWED
        ),
    ]
    return " ".join(filter(None, sentences))
