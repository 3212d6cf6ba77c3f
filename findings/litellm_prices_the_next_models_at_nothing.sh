#!/bin/sh
# Package: litellm 1.110.2 (PyPI), with the price list that it ships (LITELLM_LOCAL_MODEL_COST_MAP=True).
# Behaviour seen: completion_cost() for a million prompt tokens to a model that the list hasn't got is an error for grok-9,
#   mistral-large-9999 and deepseek-v9. For gpt-9, claude-opus-9 and gemini-9-pro it is 0.0, without a warning: their names fit
#   a family whose abilities are known ({'key': 'gpt-9', 'supports_reasoning': True}), and a price that isn't there counts as 0.
#   So does gemini/gemini-3-pro-preview, a name that was sold: the list has it under vertex_ai alone, at $2 a million.
# One would guess: an unknown price is an error for all vendors, as the exception's name (ModelNotMappedError) and text promise.
# Why it matters: on the day of a release, until the list is updated, the new model costs nothing in spend logs and budgets of keys
#   and teams don't fill, at the three largest vendors. Whoever tests the guard with a made-up name sees it work: gpt-nine is refused.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq litellm==1.110.2
cat > "$work/program.py" <<'PY'
import logging
import sys
from importlib.metadata import version

import litellm

litellm.suppress_debug_info = True
warned = []
logging.getLogger("LiteLLM").addFilter(lambda said: warned.append(said.getMessage()))
UNMAPPED = "ModelNotMappedError"
EXPECTED = {
    "openai/gpt-nine": UNMAPPED, "openai/gpt-9": 0.0, "anthropic/claude-nine": UNMAPPED, "anthropic/claude-opus-9": 0.0,
    "gemini/gemini-nine": UNMAPPED, "gemini/gemini-9-pro": 0.0, "xai/grok-9": UNMAPPED, "mistral/mistral-large-9999": UNMAPPED,
    "deepseek/deepseek-v9": UNMAPPED, "gemini/gemini-3-pro-preview": 0.0, "vertex_ai/gemini-3-pro-preview": 2.0,
}  # fmt: skip


def cost(model):
    # Ten calls, each below the price step of long prompts.
    usage = litellm.Usage(prompt_tokens=100_000, completion_tokens=0, total_tokens=100_000)
    try:
        return round(10 * litellm.completion_cost(litellm.ModelResponse(model=model.split("/")[1], usage=usage), model=model), 2)
    except Exception as error:
        return type(error).__name__


seen = {model: cost(model) for model in EXPECTED}
print("litellm", version("litellm"), "- a million prompt tokens")
for model, told in seen.items():
    print(f"  {model:32} {told}")
print("warnings:", warned, "-", {name: value for name, value in litellm.get_model_info("gpt-9").items() if value})
if seen != EXPECTED or warned:
    sys.exit("changed: models that aren't listed are priced in another way now")
print("as described: the next model of a known family is free")
PY
LITELLM_LOCAL_MODEL_COST_MAP=True "$work/venv/bin/python" "$work/program.py"
