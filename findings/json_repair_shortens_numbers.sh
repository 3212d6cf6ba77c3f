#!/bin/sh
# Package: json_repair 0.64.6 (PyPI); beside it jsonrepair 3.15.0 (npm).
# Behaviour seen: a model's unquoted amounts become other numbers, silently:
#     {"total": 12 345, "n": 2} -> {'total': 12, 'n': 2}       {"total": (1,234)} -> {'total': [1, 234]}
#     {"opens": 08:15} -> {'opens': 8}                          {"score": 3:2} -> {'score': 3}
#     {"refund": -$5} -> {'refund': ''}                         {"done": 1 of 3} -> {'done': 1}
#   while neighbours survive as text ({"total": 1,234.50} -> '1,234.50', {"r": 3-5} -> '3-5').
#   jsonrepair (npm), on the same inputs, refuses all of these or keeps the characters as text; it never shortens a number.
# One would guess: a repair adds quotes, commas and brackets; where it can't, it keeps the characters or fails.
# Why it matters: the result passes a schema (total is a number) and is a thousand times too small. Whoever repairs before
#   validating publishes it. `logging=True` tells what was skipped; the plain call doesn't.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq json_repair==0.64.6
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund jsonrepair@3.15.0)
cat > "$work/program.mjs" <<'JS'
import { jsonrepair } from "jsonrepair";

const out = {};
for (const text of JSON.parse(process.argv[2])) {
  try { out[text] = JSON.parse(jsonrepair(text)); } catch { out[text] = "refused"; }
}
console.log(JSON.stringify(out));
JS
cat > "$work/program.py" <<'PY'
import json
import subprocess
import sys
from importlib.metadata import version

import json_repair

EXPECTED = {
    '{"total": 12 345, "n": 2}': {"total": 12, "n": 2},
    '{"total": (1,234)}': {"total": [1, 234]},
    '{"opens": 08:15}': {"opens": 8},
    '{"score": 3:2}': {"score": 3},
    '{"refund": -$5}': {"refund": ""},
    '{"done": 1 of 3}': {"done": 1},
    '{"total": 1,234.50}': {"total": "1,234.50"},
    '{"r": 3-5}': {"r": "3-5"},
}
other = json.loads(subprocess.check_output(["node", "program.mjs", json.dumps(list(EXPECTED))], text=True))
print("json_repair", version("json_repair"), "| jsonrepair 3.15.0 (npm)")
seen = {text: json_repair.loads(text) for text in EXPECTED}
for text, value in seen.items():
    print(f"{text} -> {value} | {other[text]}")
if seen != EXPECTED:
    sys.exit("changed: json_repair repairs these in another way now")
if any(isinstance(value, (int, float)) for reply in other.values() if isinstance(reply, dict) for value in reply.values()):
    sys.exit("changed: jsonrepair (npm) makes numbers of these now")
print("as described: amounts are shortened to their first digits")
PY
cd "$work" && ./venv/bin/python program.py
