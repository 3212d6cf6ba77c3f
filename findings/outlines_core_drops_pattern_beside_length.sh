#!/bin/sh
# Package: outlines-core 0.2.14 (PyPI), the JSON-schema-to-regex compiler under outlines and several inference servers.
# Behaviour seen: {"type": "string", "pattern": "^[A-Z]{2}[0-9]{4}$"} is enforced. Add "maxLength": 6, which every value of that
#   pattern has anyway, and the pattern is dropped: the regex becomes ([^"\\...]|\\["\\/bfnrt]){0,6}, any six characters.
#   `minLength` does the same. No error, no warning, although an unknown "format" is refused with an error.
#   Numeric limits ("minimum", "maximum", "multipleOf") are dropped in the same silent way.
# One would guess: two keywords both hold (JSON Schema), or the compiler refuses what it can't do. Adding a limit can't widen.
# Why it matters: pydantic's Field(pattern=..., max_length=...) writes exactly this pair. "Constrained" output then carries
#   free text in an identifier field, and a caller that trusts the grammar doesn't validate again.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq outlines-core==0.2.14
cat > "$work/program.py" <<'PY'
import json
import re
import sys
from importlib.metadata import version

from outlines_core.json_schema import build_regex_from_schema

PATTERN = "^[A-Z]{2}[0-9]{4}$"
CASES = [  # schema, text, is the text accepted
    ({"type": "string", "pattern": PATTERN}, '"AB1234"', True),
    ({"type": "string", "pattern": PATTERN}, '"hello!"', False),
    ({"type": "string", "pattern": PATTERN, "maxLength": 6}, '"hello!"', True),
    ({"type": "string", "pattern": PATTERN, "minLength": 6}, '"hello, world"', True),
    ({"type": "integer", "minimum": 1, "maximum": 5}, "-900", True),
]
print("outlines-core", version("outlines-core"))
changed = False
for schema, text, expected in CASES:
    accepted = re.fullmatch(build_regex_from_schema(json.dumps(schema)), text) is not None
    print(f"{json.dumps(schema)} accepts {text}: {accepted}")
    changed |= accepted != expected
try:
    build_regex_from_schema(json.dumps({"type": "string", "format": "duration"}))
    changed = True
except Exception as error:
    print("an unknown format is refused:", error)
if changed:
    sys.exit("changed: pattern beside a length, or a limit, is handled in another way now")
print("as described: the pattern is gone once a length stands beside it")
PY
"$work/venv/bin/python" "$work/program.py"
