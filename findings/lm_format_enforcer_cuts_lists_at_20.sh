#!/bin/sh
# Package: lm-format-enforcer 0.11.3 (PyPI).
# Behaviour seen: under {"type": "array", "items": {"type": "integer"}}, which sets no maxItems, a list of 20 items may be
#   continued only by "]": after the twentieth item the comma is not among the allowed characters, so the model has to close
#   the list. With "maxItems": 50 in the schema the twenty-first is allowed. An "integer" may be written 1e-3, which is none.
#   (The limit can be raised by the environment variable LMFE_MAX_JSON_ARRAY_LENGTH, if one knows of it.)
# One would guess: no maxItems, no maximum; the grammar permits every document that the schema permits.
# Why it matters: extraction over long documents (all line items of an invoice, all entities of a page) ends with at most 20
#   entries, as valid JSON with the finish reason "stop". Nothing tells a cut list from a whole one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq lm-format-enforcer==0.11.3
cat > "$work/program.py" <<'PY'
import logging
import sys
from importlib.metadata import version

logging.disable(logging.WARNING)
from lmformatenforcer import JsonSchemaParser


def parser_after(schema, text):
    """The parser's state after the text, or None where a character of it is not allowed."""
    parser = JsonSchemaParser(schema)
    for character in text:
        if character not in parser.get_allowed_characters():
            return None
        parser = parser.add_character(character)
    return parser


LIST = {"type": "array", "items": {"type": "integer"}}
CASES = [
    ("19 items, a comma may follow", "," in parser_after(LIST, "[" + ",".join("7" * 19)).get_allowed_characters(), True),
    ("20 items, a comma may follow", "," in parser_after(LIST, "[" + ",".join("7" * 20)).get_allowed_characters(), False),
    ("21 items allowed", parser_after(LIST, "[" + ",".join("7" * 21) + "]") is not None, False),
    ("21 items allowed with maxItems 50", parser_after({**LIST, "maxItems": 50}, "[" + ",".join("7" * 21) + "]") is not None, True),
    ("integer 1e-3 allowed", parser_after({"type": "integer"}, "1e-3") is not None, True),
]
print("lm-format-enforcer", version("lm-format-enforcer"))
for name, seen, _ in CASES:
    print(f"{name}: {seen}")
if any(seen != expected for _, seen, expected in CASES):
    sys.exit("changed: lists without maxItems, or integers, are handled in another way now")
print("as described: a list without maxItems ends at 20 items")
PY
"$work/venv/bin/python" "$work/program.py"
