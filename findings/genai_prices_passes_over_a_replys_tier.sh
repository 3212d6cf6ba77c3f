#!/bin/sh
# Package: genai-prices 0.2.3 (PyPI), which has prices for tiers and batches since it takes a price_context.
# Behaviour seen: extract_usage(reply).calc_price() reads model and tokens from a whole reply and passes over its tier: an answer of
#   gpt-5 that says "service_tier": "flex" costs $0.225, which is the standard price, and so does one that says "priority". Named
#   by hand, {"service_tier": "flex"} makes it 0.1125 and priority 0.45. Of Anthropic's answers, whose usage says
#   "service_tier": "batch", the same word does nothing: 0.75; {"processing": "batch"} halves it. A context that no price knows
#   ({"service_teir": "flex"}) is taken without a word.
# One would guess: the reply's own tier is read with its usage, its words are the context's, and an unknown context is refused.
# Why it matters: costs are off by a factor of two both ways for whoever trusts the one-line way of the README. Handing on what the
#   vendor says is right for OpenAI and not for Anthropic, and a misspelt key looks like a model without a cheaper tier.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq genai-prices==0.2.3
cat > "$work/program.py" <<'PY'
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from genai_prices import extract_usage

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def openai(tier):
    usage = {"prompt_tokens": 100_000, "completion_tokens": 10_000, "total_tokens": 110_000}
    return extract_usage({"model": "gpt-5", "service_tier": tier, "usage": usage}, provider_id="openai", api_flavor="chat")


def anthropic(tier):
    usage = {"input_tokens": 100_000, "output_tokens": 10_000, "service_tier": tier}
    return extract_usage({"model": "claude-opus-4-6", "usage": usage}, provider_id="anthropic")


def price(found, **context):
    return float(found.calc_price(genai_request_timestamp=AT, price_context=context or None).total_price)


print("genai-prices", version("genai-prices"))
seen = {
    "gpt-5, reply says default": price(openai("default")),
    "gpt-5, reply says flex": price(openai("flex")),
    "gpt-5, reply says priority": price(openai("priority")),
    "gpt-5, context service_tier=flex": price(openai("flex"), service_tier="flex"),
    "gpt-5, context service_tier=priority": price(openai("priority"), service_tier="priority"),
    "gpt-5, context service_teir=flex": price(openai("flex"), service_teir="flex"),
    "claude, reply says batch": price(anthropic("batch")),
    "claude, context service_tier=batch": price(anthropic("batch"), service_tier="batch"),
    "claude, context processing=batch": price(anthropic("batch"), processing="batch"),
}
for case, dollars in seen.items():
    print(f"  {case:38} {dollars}")
if list(seen.values()) != [0.225, 0.225, 0.225, 0.1125, 0.45, 0.225, 0.75, 0.75, 0.375]:
    sys.exit("changed: tiers are priced in another way now")
print("as described: the tier that a reply names is passed over")
PY
"$work/venv/bin/python" "$work/program.py"
