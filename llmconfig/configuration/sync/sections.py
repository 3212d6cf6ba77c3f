"""What a file may hold beside nodes: providers, models with their prices, and budgets.

Values are JSON-ready, as those of nodes; money is text, so that no digit is lost.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

import yaml
from django.db.models import Model
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration.sync.strict_yaml import Problems, invalid, line_of, mapping_items
from llmconfig.configuration.sync.values import (
    DECIMAL_NUMBER,
    FieldRule,
    choice,
    is_null,
    money,
    plain_money,
    scalar,
    shown,
    switch,
    text,
    whole_number,
)
from llmconfig.models import (
    Budget,
    BudgetPeriod,
    BudgetScope,
    ModelKind,
    ModelPrice,
    PriceSource,
    Provider,
    ProviderModel,
)
from llmconfig.models.catalogue import RATE_FIELDS
from llmconfig.models.providers import NAME_RULE

# A price that names no date holds from before any call of ours.
ALWAYS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
MAX_PRICES = 200
MAX_SMALL = 32_767  # PostgreSQL's smallint
PRICES: Final = "prices"
NO_NAME = re.compile(r"[\s\x00-\x1f\x7f]")


class FileSection(Struct, frozen=True):
    """One kind of rows: its table, the column that names a row, its fields and what each needs."""

    table: type[Model]
    name_is: str
    rules: Mapping[str, FieldRule]
    required: tuple[str, ...] = ()
    always: frozenset[str] = frozenset()  # what an export prints even where it is blank


def _provider_type(node: yaml.Node, field: str) -> str:
    """A kind that is known now, after all apps have added theirs."""
    read = choice([each.name for each in provider_types.known()], what="provider type")
    return str(read(node, field))


def _seconds(node: yaml.Node, field: str) -> float:
    kind, value = scalar(node, field, "a number of seconds")
    if kind not in {"int", "float"} or not DECIMAL_NUMBER.fullmatch(value):
        raise invalid(f"{shown(value)} is no number of seconds.", line=line_of(node), field=field)
    return float(value)


def _moment(node: yaml.Node, field: str) -> str:
    kind, value = scalar(node, field, "a date")
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if kind not in {"str", "timestamp"} or moment is None:
        raise invalid(
            f"{shown(value)} is no date; write 2026-01-31 or 2026-01-31T12:00:00+00:00.",
            line=line_of(node),
            field=field,
        )
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat()


def _time_of_day(node: yaml.Node, field: str) -> str:
    kind, value = scalar(node, field, "a time")
    try:
        found = dt.time.fromisoformat(value) if kind == "str" else None
    except ValueError:
        found = None
    if found is None or found.tzinfo:
        raise invalid(
            f'{shown(value)} is no time of day; write it with quotes, such as "16:30".',
            line=line_of(node),
            field=field,
        )
    return found.isoformat()


# In the order in which an export prints them.
PRICE_RULES: Mapping[str, FieldRule] = {
    "valid_from": FieldRule(_moment, ALWAYS.isoformat()),
    "source": FieldRule(choice(PriceSource.values, what="source"), PriceSource.MANUAL.value),
    "service_tier": FieldRule(text, ""),
    "above_prompt_tokens": FieldRule(partial(whole_number, least=0), 0),
    "hours_from": FieldRule(_time_of_day, None),
    "hours_until": FieldRule(_time_of_day, None),
    **{name: FieldRule(money, None) for name in RATE_FIELDS},
}
IDENTITY = ("valid_from", "source", "service_tier", "above_prompt_tokens", "hours_from")


def whole_price(price: Mapping[str, Any]) -> dict[str, Any]:
    """A price with its fields in order, without those that are blank."""
    return {
        name: price[name]
        for name, rule in PRICE_RULES.items()
        if name in price and price[name] != rule.blank
    }


def identity(price: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a model's prices apart."""
    return tuple(price.get(name, PRICE_RULES[name].blank) for name in IDENTITY)


def in_order(prices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A model's prices, the oldest first, as two lists of them are compared."""
    return sorted(map(whole_price, prices), key=lambda price: list(map(str, identity(price))))


def _prices(node: yaml.Node, field: str) -> list[dict[str, Any]]:
    if not isinstance(node, yaml.SequenceNode):
        raise invalid(
            "must be a list of prices, such as `- {input_per_1m: 2.5, output_per_1m: 10}`.",
            line=line_of(node),
            field=field,
        )
    if len(node.value) > MAX_PRICES:
        raise invalid(f"more than {MAX_PRICES}.", line=line_of(node), field=field)
    found = {}
    problems = Problems()
    for each in node.value:
        with problems.collected():
            price = _price(each, field)
            if identity(price) in found:
                twice = "given twice, for the same time and conditions."
                raise invalid(twice, line=line_of(each), field=field)
            found[identity(price)] = price
    problems.refuse()
    return in_order(list(found.values()))


def _price(node: yaml.Node, field: str) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise invalid("a price is a mapping of rates.", line=line_of(node), field=field)
    price: dict[str, Any] = {}
    problems = Problems()
    for name, item in mapping_items(node, problems, field=field).items():
        place = f"{field}.{name}"
        with problems.collected():
            rule = PRICE_RULES.get(name)
            if rule is None:
                there_are = f"unknown field. A price has {', '.join(PRICE_RULES)}."
                raise invalid(there_are, line=item.line, field=place)
            price[name] = rule.blank if is_null(item.node) else rule.read(item.node, place)
    problems.refuse()
    return price


def stored_price(row: ModelPrice) -> dict[str, Any]:
    """A row as a file gives it."""
    return whole_price({name: _plain(getattr(row, name)) for name in PRICE_RULES})


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain_money(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value.isoformat() if isinstance(value, dt.time) else value


def stored_values(section: FileSection, row: Model) -> dict[str, Any]:
    """A row's values as a file gives them; a model's prices have to be fetched with it."""
    found = {name: _plain(getattr(row, name)) for name in section.rules if name != PRICES}
    if isinstance(row, ProviderModel):
        found[PRICES] = in_order([stored_price(each) for each in row.prices.all()])
    return found


def name_of(row: Model) -> str:
    """How a file calls the row."""
    if isinstance(row, ProviderModel):
        return f"{row.provider.name}/{row.model_id}"
    return str(row)


def check_name(section: str, name: str, line: int) -> None:
    """Refuse a name that no row of the section may have; raises NodesFileInvalid."""
    problem = ""
    if section == "providers" and not re.match(NAME_RULE.regex, name):
        problem = f"no provider's name. {NAME_RULE.message}"
    elif section == "models" and not all(name.partition("/")[::2]):
        problem = "a model is named provider/model."
    elif section != "budgets" and NO_NAME.search(name):
        problem = "there is a space in it."
    elif not 0 < len(name) <= (100 if section == "budgets" else 251):
        problem = "too long, or blank."
    if problem:
        raise invalid(problem, line=line, field=f"{section}.{name}"[:120])


_limit = FieldRule(whole_number, None)
SECTIONS: Mapping[str, FileSection] = {
    "providers": FileSection(
        Provider,
        "name",
        {
            "provider_type": FieldRule(_provider_type, ""),
            "api_base_url": FieldRule(text, ""),
            "secret_ref": FieldRule(text, ""),
            "api_version": FieldRule(text, ""),
            "timeout_seconds": FieldRule(_seconds, 600.0),
            "hold_seconds": FieldRule(_seconds, 0.0),
            "priority": FieldRule(partial(whole_number, least=0, most=MAX_SMALL), 100),
            "weight": FieldRule(partial(whole_number, most=MAX_SMALL), 1),
            "requests_per_minute": _limit,
            "tokens_per_minute": _limit,
            "max_concurrency": _limit,
            "is_enabled": FieldRule(switch, True),
        },
        required=("provider_type",),
    ),
    "models": FileSection(
        ProviderModel,
        "model_id",
        {
            "kind": FieldRule(choice(ModelKind.values, what="kind"), ModelKind.CHAT.value),
            "tier": FieldRule(text, None),
            "context_window": _limit,
            "max_output_tokens": _limit,
            "supports_streaming": FieldRule(switch, True),
            "supports_temperature": FieldRule(switch, True),
            "supports_json_schema": FieldRule(switch, False),
            "supports_tools": FieldRule(switch, False),
            "supports_logprobs": FieldRule(switch, False),
            "is_active": FieldRule(switch, True),
            "retires_at": FieldRule(_moment, None),
            PRICES: FieldRule(_prices, []),
        },
        always=frozenset({PRICES}),
    ),
    "budgets": FileSection(
        Budget,
        "name",
        {
            "scope": FieldRule(
                choice(BudgetScope.values, what="scope"), BudgetScope.EVERYTHING.value
            ),
            "scope_value": FieldRule(text, ""),
            "period": FieldRule(choice(BudgetPeriod.values, what="period"), "month"),
            "soft_limit_usd": FieldRule(money, None),
            "hard_limit_usd": FieldRule(money, None),
            "allow_unpriced": FieldRule(switch, False),
            "is_enabled": FieldRule(switch, True),
        },
    ),
}
