"""What a reply says about money and its tier, in every vendor's words."""

from decimal import Decimal
from typing import Any

from llmconfig.client.wire.reading import object_of

JSON = dict[str, Any]

MAX_DOLLARS = 1_000  # of one request: the largest prompts and answers cost some tens
MAX_TIER_LENGTH = 20
XAI_TICKS_PER_DOLLAR = Decimal(10) ** 10  # docs.x.ai/developers/cost-tracking
# Names of the tier that has the list price.
STANDARD_TIERS = frozenset(
    {"", "auto", "default", "standard", "standard_only", "on_demand", "none"}
)


def reported_cost(counts: JSON) -> Decimal | None:
    """US dollars that the provider says it bills, with upstream's share; None if it doesn't say."""
    told = counts.get("cost")
    if told is None:
        ticks = counts.get("cost_in_usd_ticks")
        if type(ticks) is int and 0 <= ticks <= MAX_DOLLARS * XAI_TICKS_PER_DOLLAR:
            return Decimal(ticks) / XAI_TICKS_PER_DOLLAR
        return dollars(counts.get("estimated_cost"))  # DeepInfra
    if isinstance(told, dict):  # Perplexity
        return dollars(told.get("total_cost"))
    cost = dollars(told)
    upstream = dollars(object_of(counts.get("cost_details")).get("upstream_inference_cost"))
    own_key = counts.get("is_byok")
    if cost is None or upstream is None:
        return None if own_key is True else cost  # OpenRouter's fee alone is not the cost
    # Replies from before `is_byok` told upstream's cost for one's own key only.
    return cost + upstream if own_key is True or (own_key is None and upstream > cost) else cost


def dollars(value: object) -> Decimal | None:
    """An amount that a provider reports, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if 0 <= value <= MAX_DOLLARS else None


def service_tier(reply: JSON, counts: JSON) -> str:
    """The tier that a reply names, blank for the standard one."""
    fast = tier_name(counts.get("speed"))  # Anthropic's fast mode
    return fast or tier_name(reply.get("service_tier")) or tier_name(counts.get("service_tier"))


def tier_name(told: object) -> str:
    """A tier's name as prices know it: blank for the standard one and for what is none."""
    if not isinstance(told, str):
        return ""
    name = told.strip().lower()[:MAX_TIER_LENGTH]
    return "" if name in STANDARD_TIERS or not name.isprintable() else name
