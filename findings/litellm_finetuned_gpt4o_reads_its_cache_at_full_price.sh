#!/bin/sh
# Package: litellm 1.110.2 (PyPI), with the price list that it ships (LITELLM_LOCAL_MODEL_COST_MAP=True).
# Behaviour seen: of 100,000 prompt tokens to a fine-tuned gpt-4o-2024-11-20, 90,000 from the cache, completion_cost() makes
#   $0.375, as if none were cached. The fine-tuned gpt-4o-2024-08-06 of the same price costs $0.20625. Its entry has the price of
#   cached tokens under `cache_creation_input_token_cost`, the key for writing to a cache, which this model isn't billed for.
# One would guess: two snapshots of one model with one price list cost the same, and `supports_prompt_caching: true` means that a
#   cached token has its price.
# Why it matters: spend logs and budgets of agents on such a model (long prompts, nearly all cached) are up to twice what the
#   invoice says, and the same agent seems to become cheaper by moving to the older snapshot.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq litellm==1.110.2
cat > "$work/program.py" <<'PY'
import sys
from importlib.metadata import version

import litellm
from litellm.types.utils import PromptTokensDetailsWrapper, Usage

PROMPT = 100_000


def cost(model, cached):
    details = PromptTokensDetailsWrapper(cached_tokens=cached)
    usage = Usage(prompt_tokens=PROMPT, completion_tokens=0, total_tokens=PROMPT, prompt_tokens_details=details)
    answer = litellm.ModelResponse(model=model, usage=usage)
    return round(litellm.completion_cost(answer, model=model, custom_llm_provider="openai"), 6)


MODELS = ("ft:gpt-4o-2024-08-06", "ft:gpt-4o-2024-11-20")
seen = {model: (cost(model, 0), cost(model, 90_000)) for model in MODELS}
print(f"litellm {version('litellm')}: {PROMPT} prompt tokens, none cached and 90,000 cached")
for model, (plain, cached) in seen.items():
    print(f"  {model:24} ${plain:<9} ${cached}")
price = litellm.model_cost[MODELS[1]]
print("  its keys:", {name: price[name] for name in price if "cache" in name and "cost" in name})
if list(seen.values()) != [(0.375, 0.20625), (0.375, 0.375)]:
    sys.exit("changed: cached tokens have other prices now")
print("as described: cached tokens of the newer snapshot cost as much as any other")
PY
LITELLM_LOCAL_MODEL_COST_MAP=True "$work/venv/bin/python" "$work/program.py"
