#!/bin/sh
# Package: genai-prices 0.2.3 (PyPI).
# Behaviour seen: DeepSeek has charged by the hour since 2026-08-17 (twice the price on weekdays at 01:00-04:00 and
#   06:00-10:00 UTC). calc_price(..., genai_request_timestamp=...) for a million input tokens of deepseek-v4-flash:
#     2026-06-01 12:00  0.14    right: a flat price then
#     2026-06-01 02:00  0.30    a price that began three months later
#     2026-08-25 02:00  0.30    that day's peak price was 0.44, and 0.22 off-peak
#     2026-10-03 02:00  0.30    a Saturday: 0.15
#   One entry holds a start date or a window of hours, not both, and the windows are looked at first.
# One would guess: prices are dated, so the price of a past call depends on its date and can't change by a later release.
# Why it matters: recomputing past costs rewrites 7 hours of every day by two to three times, silently. A tool that copies
#   "the price now" into its own table stores the peak or the off-peak price for good, by the hour of the copy.
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

from genai_prices import Usage, calc_price

EXPECTED = {"2026-06-01T12:00": "0.14", "2026-06-01T02:00": "0.30", "2026-08-25T12:00": "0.22", "2026-08-25T02:00": "0.30",
            "2026-10-03T02:00": "0.30", "2026-10-03T12:00": "0.15"}  # fmt: skip
print("genai-prices", version("genai-prices"))
changed = False
for moment, expected in EXPECTED.items():
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    usage = Usage(input_tokens=1_000_000)
    price = calc_price(usage, "deepseek-v4-flash", provider_id="deepseek", genai_request_timestamp=at).total_price
    print(f"{at:%a %Y-%m-%d %H:%M} UTC: {price}")
    changed |= price != Decimal(expected)
if changed:
    sys.exit("changed: hours of the day and start dates are combined in another way now")
print("as described: today's peak price stands in every past year at these hours")
PY
"$work/venv/bin/python" "$work/program.py"
