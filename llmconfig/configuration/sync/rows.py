"""Writing rows of a file's sections: providers, models with their prices, budgets."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from llmconfig.configuration import prices, provider_rules, secret_references, uses
from llmconfig.configuration.sync import sections
from llmconfig.configuration.sync.comparison import (
    CREATED_MARK,
    NodeAction,
    NodePlan,
    StoredNode,
)
from llmconfig.configuration.sync.nodes_file import NodeEntry
from llmconfig.configuration.sync.sections import PRICES, SECTIONS, identity, stored_price
from llmconfig.configuration.sync.strict_yaml import Problems, invalid
from llmconfig.errors import ChangeRefused
from llmconfig.models import Budget, ModelPrice, Provider, ProviderModel

Rows = Mapping[str, Model]


def rows_of(section: str, names: Iterable[str]) -> dict[str, Model]:
    """The rows of these names that there are, and those that a sync has made, by name."""
    wanted = set(names)
    return {
        name: row
        for name, row in all_rows(section).items()
        if name in wanted or CREATED_MARK in _synced(row)
    }


def all_rows(section: str) -> dict[str, Model]:
    """All rows of a section by name, models with their prices."""
    if section == "models":
        models = ProviderModel.objects.select_related("provider").prefetch_related("prices")
        return {sections.name_of(row): row for row in models}
    table = SECTIONS[section].table
    return {sections.name_of(row): row for row in table._default_manager.all()}  # noqa: SLF001 - Django's public name for it


def _synced(row: Model) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(row, "synced_values")  # noqa: B009 - each section's table has it
    return found


def stored(section: str, row: Model) -> StoredNode:
    """A row as the comparison sees it."""
    return StoredNode(sections.stored_values(SECTIONS[section], row), _synced(row))


def write(section: str, plans: Sequence[tuple[NodePlan, NodeEntry]], rows: Rows) -> None:
    """Bring the rows of one section to their plans; each comes with its entry in the file.

    Raises NodesFileInvalid for all that a row may not be.
    """
    problems = Problems()
    if section == "models":
        _free_tiers(plans, rows)
    for plan, entry in plans:
        name = plan.name.partition(".")[2]
        row = rows.get(name)
        if plan.action is NodeAction.NOTHING:
            continue
        if row is not None and plan.action is NodeAction.RECORD:
            kind = SECTIONS[section].table._default_manager  # noqa: SLF001 - as above
            kind.filter(pk=row.pk).update(synced_values=plan.synced)
            continue
        try:
            _write(plan, row, section, name)
        except ChangeRefused as refusal:
            problems.found.append(entry.wrong(str(refusal), refusal.field))
        except ValidationError as error:
            problems.found += [
                entry.wrong(said[0], "" if field == NON_FIELD_ERRORS else field)
                for field, said in error.message_dict.items()
            ]
    problems.refuse()


def remove(section: str, removed: Sequence[Model]) -> None:
    """Remove rows that left the file; raises NodesFileInvalid for a provider in use."""
    for row in removed:
        if isinstance(row, Provider):
            named_by = uses.uses_of_provider(row)
            if named_by:
                raise invalid(
                    f"it left the file, but {named_by[0].words} names it; change that first.",
                    field=f"{section}.{row.name}",
                )
        row.delete()


def _free_tiers(plans: Sequence[tuple[NodePlan, NodeEntry]], rows: Rows) -> None:
    """Take tiers from the rows that lose theirs: a tier may move on to another one."""
    for plan, _ in plans:
        row = rows.get(plan.name.partition(".")[2])
        if isinstance(row, ProviderModel) and row.tier and "tier" in plan.values:
            row.tier = None
            row.save(update_fields=["tier"])


def _write(plan: NodePlan, row: Model | None, section: str, name: str) -> None:
    is_new = row is None
    if row is None:
        row = _new_row(section, name)
    old = _old_provider(row)
    missing = [each for each in SECTIONS[section].required if is_new and not plan.values.get(each)]
    if missing:
        raise ChangeRefused("a new one needs this field.", field=missing[0])
    for column, value in plan.values.items():
        if column != PRICES:
            setattr(row, column, value)
    setattr(row, "synced_values", plan.synced)  # noqa: B010 - each section's table has it
    if isinstance(row, Provider):
        _check_provider(row, old, plan.values)
    row.full_clean()
    if any(column != PRICES for column in plan.values) or is_new:
        row.save(force_insert=is_new)
    else:
        type(row)._default_manager.filter(pk=row.pk).update(synced_values=plan.synced)  # noqa: SLF001 - as above
    if isinstance(row, ProviderModel):
        if PRICES in plan.values:
            _write_prices(row, plan.values[PRICES])
        elif is_new:
            prices.suggest([row])


def _new_row(section: str, name: str) -> Model:
    if section == "providers":
        return Provider(name=name)
    if section == "budgets":
        return Budget(name=name)
    provider, _, model_id = name.partition("/")
    found = Provider.objects.filter(name=provider).first()
    if found is None:
        raise ChangeRefused(f"there is no provider {provider!r}; give it under providers.")
    return ProviderModel(provider=found, model_id=model_id)


def _old_provider(row: Model) -> Provider | None:
    if isinstance(row, Provider):
        return Provider.objects.filter(pk=row.pk).first()
    return None


def _check_provider(row: Provider, old: Provider | None, given: Mapping[str, Any]) -> None:
    """The rules of the admin and the API; raises ChangeRefused."""
    provider_rules.check_base_url(row.provider_type, row.api_base_url)
    if "secret_ref" in given:
        secret_references.check(row.secret_ref)
    provider_rules.check_one_key_source(has_key=bool(row.api_key), secret_ref=row.secret_ref)
    if old is not None:
        provider_rules.refuse_key_for_new_host(
            old,
            provider_type=row.provider_type,
            api_base_url=row.api_base_url,
            key_given=False,
            reference_given="secret_ref" in row.synced_values,
        )


def _write_prices(model: ProviderModel, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Have the model exactly these prices; rows that stay as they are aren't touched."""
    found = {identity(stored_price(row)): row for row in model.prices.all()}
    for price in wanted:
        row = found.pop(identity(price), None)
        if row is not None and stored_price(row) == dict(price):
            continue
        if row is None:
            row = ModelPrice(model=model)
        for name, rule in sections.PRICE_RULES.items():
            setattr(row, name, price.get(name, rule.blank))
        row.valid_from = dt.datetime.fromisoformat(str(row.valid_from))
        row.full_clean()
        row.save()
    ModelPrice.objects.filter(pk__in=[row.pk for row in found.values()]).delete()
