"""The price table: what is in force, and what is taken over from genai-prices.

The arithmetic is in `llmconfig.configuration.pricing`.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet
from django.utils import timezone

from llmconfig.configuration.price_lists import base_row, facts_of
from llmconfig.configuration.pricing import (
    BATCH,
    BATCH_SHARE,
    PriceFacts,
    applying,
    at_batch_price,
    cost,
    cost_of_calls,
    price_at,
    worst_case,
)
from llmconfig.configuration.suggestions import SuggestedPrice, suggested_prices, suggested_rows
from llmconfig.models import ModelPrice, PriceSource, ProviderModel

__all__ = [
    "BATCH",
    "BATCH_SHARE",
    "PriceFacts",
    "SuggestedPrice",
    "applying",
    "at_batch_price",
    "cost",
    "cost_of_calls",
    "facts_of",
    "price_at",
    "row_in_force",
    "rows_in_force",
    "suggest",
    "suggested_prices",
    "suggested_rows",
    "take_over",
    "take_over_many",
    "unconfirmed",
    "worst_case",
]


def row_in_force(model: ProviderModel, *, now: dt.datetime | None = None) -> ModelPrice | None:
    """The row without conditions that prices the model's calls now."""
    return base_row(model.prices.all(), now or timezone.now())


def rows_in_force(rows: Sequence[ModelPrice], moment: dt.datetime) -> list[ModelPrice]:
    """The row without conditions that is in force, and those with conditions beside it."""
    price = price_at(facts_of(rows), moment)
    base = base_row(rows, moment)
    if price is None:
        return []
    beside = {
        (each.valid_from, each.service_tier, each.above_prompt_tokens, each.hours, each.source)
        for each in price.variants
    }
    found = [row for row in rows if _key(row) in beside and row is not base]
    return ([base] if base is not None else []) + found


def _key(row: ModelPrice) -> tuple[object, ...]:
    begins, ends = row.hours_from, row.hours_until
    hours = None if begins is None or ends is None else (begins, ends)
    return row.valid_from, row.service_tier, row.above_prompt_tokens, hours, row.source


def take_over(model: ProviderModel) -> ModelPrice | None:
    """Use what genai-prices suggests as the model's price, inside `change()`.

    A model that had no price, or only a suggested one, gets all the dated rows, so that its past
    calls can be priced too; one that had another gets what holds from now on. Gives the row that is
    in force of them; None, and nothing stored, if genai-prices knows no price of the model.
    """
    now = timezone.now()
    confirmed = model.prices.exclude(source=PriceSource.SUGGESTED).exists()
    rows = suggested_rows(model, since=now if confirmed else None)
    if not rows:
        return None
    model.prices.filter(source=PriceSource.SUGGESTED).delete()
    return base_row(ModelPrice.objects.bulk_create(rows), now)


def take_over_many(models: Iterable[ProviderModel]) -> list[ProviderModel]:
    """The same for many, inside `change()`; gives those of which genai-prices knew a price."""
    return [model for model in models if take_over(model) is not None]


def unconfirmed() -> QuerySet[ProviderModel]:
    """Active models without any price but a suggested one."""
    confirmed = ModelPrice.objects.exclude(source=PriceSource.SUGGESTED)
    return (
        ProviderModel.objects.filter(is_active=True)
        .exclude(prices__in=confirmed)
        .select_related("provider")
    )


def suggest(models: Iterable[ProviderModel]) -> int:
    """Give models without any price their suggested one, marked so, inside `change()`.

    Gives how many models got one.
    """
    rows: list[ModelPrice] = []
    priced = 0
    for model in models:
        found = suggested_rows(model, source=PriceSource.SUGGESTED)
        priced += bool(found)
        rows += found
    ModelPrice.objects.bulk_create(rows)
    return priced
