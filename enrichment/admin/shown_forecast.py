"""A forecast as the pages show it that begin a batch or a run (`forecast.html`)."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from enrichment.admin.batch_form import amount
from enrichment.forecast import Forecast, Quantiles
from enrichment.models import Transport
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count


def shown_forecast(found: Forecast, *, transport: str, cap: Decimal | None) -> dict[str, Any]:
    """What the template shows; a provider batch's cost is held against the cap where one is asked.

    `cap` in US dollars.
    """
    in_batches = transport == Transport.PROVIDER_BATCH
    cost = found.cost_provider_batch_usd if in_batches else found.cost_usd
    free = found.cost_usd is not None and found.cost_usd.p90 == 0
    return {
        "rows": found.rows,
        "rows_shown": count(found.rows),
        "calls": count(found.calls),
        "model": f"{found.provider}/{found.model}",
        "basis": found.basis,
        "live": _span(found.cost_usd),
        "half": None if free else _span(found.cost_provider_batch_usd),
        "assumed": gettext("batch price assumed: half") if found.batch_price_assumed else "",
        "free": free,
        "cascade": found.cascade,
        "cascaded": _span(found.cascade.cost_usd) if found.cascade else None,
        "over_cap": cap is not None and cost is not None and amount(cost.p90) > cap,
    }


def _span(cost: Quantiles | None) -> dict[str, str] | None:
    if cost is None:
        return None
    low, middle, high = (money(amount(each)) for each in (cost.p10, cost.p50, cost.p90))
    return {"low": low, "middle": middle, "high": high}
