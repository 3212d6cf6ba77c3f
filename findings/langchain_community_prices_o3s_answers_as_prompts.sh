#!/bin/sh
# Package: langchain-community 0.4.2 (PyPI), with langchain-core 1.8.3: get_openai_callback.
# Behaviour seen: `o1` and `o3` have their answers priced as prompts, at a quarter: a million tokens of o3's answer cost $2,
#   of o3-2025-04-16's $8, and `o3-completion` stands at $8 in the same table. The dated names and o3-mini are right. Models
#   that the table doesn't know (gpt-5.1 and later) cost $0.0: neither an error nor a warning, and no None.
# One would guess: a model and its dated name cost the same, and an unknown price is told from a price of nothing.
# Why it matters: OpenAI's own answers name the dated model, Azure's deployments and gateways answer with the name that was
#   asked for: the same program behind them reports a quarter of what is paid, or nothing at all.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq langchain-core==1.8.3
"$work/venv/bin/pip" install -qq --no-deps langchain-community==0.4.2
cat > "$work/program.py" <<'PY'
import sys
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
from langchain_community.callbacks.openai_info import MODEL_COST_PER_1K_TOKENS, OpenAICallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

MILLION = 1_000_000
EXPECTED = {"o1": 15.0, "o1-2024-12-17": 60.0, "o3": 2.0, "o3-2025-04-16": 8.0, "o3-mini": 4.4, "gpt-5": 10.0, "gpt-5.1": 0.0}


def cost(model):
    """What the callback makes of an answer of a million tokens."""
    handler = OpenAICallbackHandler()
    usage = {"input_tokens": 0, "output_tokens": MILLION, "total_tokens": MILLION}
    said = AIMessage("Hi.", usage_metadata=usage, response_metadata={"model_name": model})
    handler.on_llm_end(LLMResult(generations=[[ChatGeneration(message=said)]], llm_output={"model_name": model}))
    return round(handler.total_cost, 4)


print("langchain-community", version("langchain-community"))
seen = {model: cost(model) for model in EXPECTED}
for model, found in seen.items():
    listed = MODEL_COST_PER_1K_TOKENS.get(f"{model}-completion")
    print(f"{model}: ${found}, its table says {'nothing' if listed is None else f'${round(listed * 1000, 4)}'}")
if seen != EXPECTED:
    sys.exit("changed: the callback prices these in another way now")
print("as described: o1 and o3 at a quarter, what is unknown at nothing")
PY
cd "$work" && ./venv/bin/python program.py
