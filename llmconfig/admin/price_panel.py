"""A model's price in force beside the one that genai-prices suggests."""

from decimal import Decimal

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.presentation import NOTHING
from llmconfig.configuration import prices
from llmconfig.configuration.numbers import count, dollars, percent
from llmconfig.models import ModelPrice, PriceSource, ProviderModel

LABELS = (_("Prompt"), _("Answer"), _("Prompt, from the cache"), _("Prompt, into the cache"))


class PriceLine(Struct, frozen=True):
    """One kind of token, in dollars per million."""

    label: str
    now: str | SafeString
    suggested: str | SafeString
    difference: str


class PricePanel(Struct, frozen=True):
    """`known` says whether genai-prices knows the model, `same` whether it says what holds."""

    row: ModelPrice | None
    by_hand: bool
    lines: tuple[PriceLine, ...]
    known: bool
    same: bool
    suggested: bool = False
    beside: tuple[str, ...] = ()


def price_panel(model: ProviderModel) -> PricePanel:
    """The entered price of a model beside the public list's, as of now."""
    row = prices.row_in_force(model)
    found = prices.suggested_prices(
        model.provider.provider_type, model.model_id, base_url=model.provider.api_base_url
    )
    now = _amounts(row) if row else (None,) * len(LABELS)
    then = (
        (found.input, found.output, found.cached, found.cache_write)
        if found
        else (None,) * len(LABELS)
    )
    return PricePanel(
        row=row,
        by_hand=row is not None and row.source == PriceSource.MANUAL,
        lines=tuple(
            PriceLine(str(label), per_million(old), per_million(new), _difference(old, new))
            for label, old, new in zip(LABELS, now, then, strict=True)
        ),
        known=found is not None and (found.input is not None or found.output is not None),
        same=now == then,
        suggested=row is not None and row.source == PriceSource.SUGGESTED,
        beside=tuple(
            in_words(each)
            for each in prices.rows_in_force(list(model.prices.all()), timezone.now())
            if each is not row
        ),
    )


def conditions(row: ModelPrice) -> str:
    """When a row's rates hold, in words."""
    words = []
    if row.service_tier == prices.BATCH:
        words.append(gettext("in provider batches"))
    elif row.service_tier:
        words.append(gettext("at the {tier} tier").format(tier=row.service_tier))
    if row.above_prompt_tokens:
        words.append(
            gettext("for prompts of more than {number} tokens").format(
                number=count(row.above_prompt_tokens)
            )
        )
    if row.hours_from is not None and row.hours_until is not None:
        words.append(
            gettext("from {start} to {end} UTC").format(
                start=f"{row.hours_from:%H:%M}", end=f"{row.hours_until:%H:%M}"
            )
        )
    return ", ".join(words) or gettext("always")


def in_words(row: ModelPrice) -> str:
    """A row with conditions, as a sentence."""
    told = [
        f"{label} {per_million(amount)}"
        for label, amount in zip(LABELS, _amounts(row), strict=True)
        if amount is not None
    ]
    return f"{conditions(row)}: {'; '.join(told)}"


def _amounts(row: ModelPrice) -> tuple[Decimal | None, ...]:
    return row.input_per_1m, row.output_per_1m, row.cached_input_per_1m, row.cache_write_per_1m


def per_million(price: Decimal | None) -> str | SafeString:
    """Dollars for a million tokens; a dash when unknown."""
    return NOTHING if price is None else dollars(price.normalize())


def _difference(now: Decimal | None, suggested: Decimal | None) -> str:
    if now is None or suggested is None or now == suggested:
        return ""
    if not now:
        return gettext("no longer valid")
    return percent((suggested - now) / now, signed=True)
