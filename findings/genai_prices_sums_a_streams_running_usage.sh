#!/bin/sh
# Package: genai-prices 0.2.3 (PyPI).
# Behaviour seen: ExtractedUsage can be added; its docstring says that this is "useful for common streaming situations where
#   user wants to save and compute costs for all the response chunks in a stream". Gemini's stream repeats the running
#   usageMetadata in every chunk (prompt 1000; output 10, 20, 30): the sum is 3000 + 60 tokens at $0.00105, the truth is
#   1000 + 30 at $0.000375. Added usage of several whole calls is priced as one call too: two calls of 150,000 tokens to
#   gemini-2.5-pro cost 0.395; their sum crosses the 200,000-token step and is priced 0.78.
# One would guess: what the docstring recommends for streams is right for the vendors whose streams the package reads, and
#   the price of a sum is the sum of the prices.
# Why it matters: both errors grow with use (a stream's length, a conversation's calls) and look like a plausible bill.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq genai-prices==0.2.3
cat > "$work/program.py" <<'PY'
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices import Usage, calc_price, extract_usage
from genai_prices.types import ExtractedUsage

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
print("genai-prices", version("genai-prices"), "|", " ".join((ExtractedUsage.__add__.__doc__ or "").split())[:180])
chunks = [
    {"modelVersion": "gemini-2.5-flash", "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": n, "totalTokenCount": 1000 + n}}
    for n in (10, 20, 30)
]
found = [extract_usage(chunk, provider_id="google") for chunk in chunks]
added, last = found[0] + found[1] + found[2], found[-1]
stream = [item.calc_price(genai_request_timestamp=AT).total_price for item in (added, last)]
print("stream: added", added.usage, stream[0], "| last", last.usage, stream[1])


def pro(usage):
    return calc_price(usage, "gemini-2.5-pro", provider_id="google", genai_request_timestamp=AT).total_price


call = Usage(input_tokens=150_000, output_tokens=1000)
calls = [pro(call) * 2, pro(call + call)]
print("two calls: prices added", calls[0], "| usage added", calls[1])
if stream != [Decimal("0.00105"), Decimal("0.000375")] or calls != [Decimal("0.395"), Decimal("0.78")]:
    sys.exit("changed: added usage is priced in another way now")
print("as described: added usage costs two to three times the calls")
PY
"$work/venv/bin/python" "$work/program.py"
