#!/bin/sh
# Package: gpt-tokenizer 4.0.0 (npm; "with model metadata and pricing"); beside it genai-prices 0.2.3 (PyPI).
# Behaviour seen: estimateCost(1_000_000) of the model modules, in dollars for input / output:
#     gpt-5 10 / 30     gpt-4o 10 / 30     gpt-4.1 10 / 30     o3 15 / 60
#   The first three are the prices of gpt-4-turbo (10 / 30), the last one those of o1. OpenAI's are, as genai-prices has them,
#   1.25 / 10, 2.50 / 10, 2 / 8 and 2 / 8. The token counts of the same modules are right.
# One would guess: a release that knows gpt-5 and its encoding knows its price; or it has none and says so.
# Why it matters: up to eight times too much. Estimates before a call decide whether a budget admits it, and which model is
#   the cheapest: by these numbers gpt-4o, gpt-4.1, gpt-5 and gpt-4-turbo all cost the same, and o3 more than any of them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund gpt-tokenizer@4.0.0)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq genai-prices==0.2.3
cat > "$work/program.mjs" <<'JS'
const out = {};
for (const name of ["gpt-5", "gpt-4o", "gpt-4.1", "o3", "gpt-4-turbo"]) {
  const { estimateCost, countTokens } = await import(`gpt-tokenizer/model/${name}`);
  const { main } = estimateCost(1_000_000);
  out[name] = [main.input, main.output, countTokens("hello world")];
}
console.log(JSON.stringify(out));
JS
cat > "$work/program.py" <<'PY'
import json
import sys
from datetime import UTC, datetime

from genai_prices import Usage, calc_price

EXPECTED = {"gpt-5": [10, 30], "gpt-4o": [10, 30], "gpt-4.1": [10, 30], "o3": [15, 60], "gpt-4-turbo": [10, 30]}
seen = {name: numbers[:2] for name, numbers in json.loads(sys.argv[1]).items()}
for name, (input_price, output_price) in seen.items():
    price = calc_price(
        Usage(input_tokens=1_000_000, output_tokens=1_000_000), name, provider_id="openai", genai_request_timestamp=datetime(2026, 11, 1, tzinfo=UTC)
    )
    print(f"{name}: gpt-tokenizer {input_price} / {output_price}, genai-prices {price.input_price.normalize():f} / {price.output_price.normalize():f}")
if seen != EXPECTED:
    sys.exit("changed: gpt-tokenizer has other prices now")
print("as described: four models at the prices of their predecessors")
PY
"$work/venv/bin/python" "$work/program.py" "$(cd "$work" && node program.mjs)"
