"""What names a provider or a model: told before one is deleted."""

from collections.abc import Callable, Iterable, Iterator

from django.db.models import Model
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration.references import TIER_PREFIX
from llmconfig.models import (
    Budget,
    BudgetScope,
    ExperimentArm,
    GlobalConfig,
    LLMConfig,
    NodeConfiguration,
    Provider,
    ProviderModel,
    UserConfig,
)

Names = Callable[[str, str], bool]  # (reference, the provider that it is asked of): is it meant?
SETTINGS_MODELS = ("model_tagger", "model_enricher", "model_analytics", "model_responder")


class Use(Struct, frozen=True):
    """A row that names it, and in what words that is told."""

    words: str
    row: Model


def uses_of_provider(provider: Provider) -> list[Use]:
    """The settings, kinds of use, nodes, arms, user overrides and budgets that name a provider."""
    name, prefix = provider.name, f"{provider.name}/"
    found = list(_uses(lambda reference, asked: asked == name or reference.startswith(prefix)))
    row = LLMConfig.objects.first()
    if row is not None and name in {row.provider_id, row.backup_provider_id}:
        found.insert(0, Use(gettext("the processing settings"), row))
    found += [
        Use(gettext("the budget {name}").format(name=budget.name), budget)
        for budget in Budget.objects.filter(scope=BudgetScope.PROVIDER, scope_value=name)
    ]
    return found


def uses_of_model(model: ProviderModel) -> list[Use]:
    """The rows that name a model: by `provider/model`, by its tier, or by its id alone.

    An id alone counts where the row is bound to the provider, or no other provider lists it.
    """
    provider = model.provider.name
    full, tier = f"{provider}/{model.model_id}", f"{TIER_PREFIX}{model.tier}"
    others = ProviderModel.objects.filter(model_id=model.model_id, is_active=True)
    alone = not others.exclude(pk=model.pk).exists()

    def is_meant(reference: str, asked: str) -> bool:
        if reference == full or (model.tier and reference == tier):
            return True
        return reference == model.model_id and (asked == provider or (alone and not asked))

    found = list(_uses(is_meant))
    row = LLMConfig.objects.first()
    if row is not None:
        named = [(getattr(row, column), row.provider_id) for column in SETTINGS_MODELS]
        if _any([*named, (row.backup_model, row.backup_provider_id)], is_meant):
            found.insert(0, Use(gettext("the processing settings"), row))
    return found


def _uses(is_meant: Names) -> Iterator[Use]:
    """In the tables whose rows name models themselves."""
    for kind in GlobalConfig.objects.all():
        named = [(each, "") for each in (kind.model, *kind.fallbacks, kind.degrade_to) if each]
        if _any(named, is_meant):
            yield Use(
                gettext("the interaction type {name}").format(name=kind.interaction_type), kind
            )
    for node in NodeConfiguration.objects.all():
        named = [(node.default_model, node.provider)]
        others = (node.cascade_model, node.judge_model, *node.fallbacks)
        named += [(each, "") for each in others if each]
        if _any(named, is_meant):
            yield Use(gettext("the node {name}").format(name=node.node_name), node)
    for arm in ExperimentArm.objects.select_related("experiment"):
        if _any([(arm.model, arm.provider)], is_meant):
            yield Use(
                gettext("the variant {name} of the experiment {experiment}").format(
                    name=arm.name, experiment=arm.experiment.name
                ),
                arm.experiment,
            )
    chosen = [row for row in UserConfig.objects.all() if _any([(row.model, "")], is_meant)]
    if chosen:
        number = f"{len(chosen)} user overrides" if len(chosen) > 1 else "a user override"
        yield Use(number, chosen[0])


def _any(named: Iterable[tuple[str | None, str | None]], is_meant: Names) -> bool:
    return any(is_meant(reference or "", asked or "") for reference, asked in named)
