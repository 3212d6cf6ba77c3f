"""Prices of models at which a cheap answer is told from a dear one."""

from llmconfig.models import ProviderModel

CHEAP_AND_DEAR = (("gpt-4o-mini", 1), ("gpt-4o", 10))


def price_cheap_and_dear() -> None:
    """Give both one price, of a million tokens of their prompts, in place of those they had."""
    for model, price in CHEAP_AND_DEAR:
        row = ProviderModel.objects.get(model_id=model)
        row.prices.all().delete()
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=price, output_per_1m=price)
