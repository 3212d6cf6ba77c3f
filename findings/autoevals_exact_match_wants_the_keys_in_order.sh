#!/bin/sh
# Packages: autoevals 0.4.1 (PyPI) and 0.0.132 (npm), Braintrust's scorers: ExactMatch for objects.
# Behaviour seen: {"name": "Ann", "age": 30} against the same object with `age` first scores 0, as objects and as JSON texts, in
#   Python and in JavaScript, where spaces in a JSON text make no difference. In Python 30.0 isn't 30 either, while JavaScript
#   has one number. JSONDiff gives all of these 1.
# One would guess: 1. The Python module's own first example of objects is a pair with its keys in another order, and says 1.0.
# Why it matters: a model that writes the right fields in its own order is scored as wrong in each case: whether an extraction
#   gets 100 % or 0 % depends on the order in which somebody typed the expected object, and a better model is thrown away for it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq autoevals==0.4.1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund autoevals@0.0.132
cat > cases.json <<'JSON'
[
  ["the same object", {"name": "Ann", "age": 30}, {"name": "Ann", "age": 30}],
  ["other spaces, as text", "{\"name\":\"Ann\",  \"age\":30}", {"name": "Ann", "age": 30}],
  ["other order", {"age": 30, "name": "Ann"}, {"name": "Ann", "age": 30}],
  ["other order, as text", "{\"age\": 30, \"name\": \"Ann\"}", {"name": "Ann", "age": 30}],
  ["30.0 for 30", {"name": "Ann", "age": 30.0}, {"name": "Ann", "age": 30}]
]
JSON
cat > program.py <<'PY'
import json

from autoevals import ExactMatch, JSONDiff

with open("cases.json") as file:
    cases = json.load(file)
print(json.dumps([[int(score.eval(output=o, expected=e).score) for score in (ExactMatch(), JSONDiff())] for _, o, e in cases]))
PY
cat > program.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { ExactMatch, JSONDiff } from "autoevals";

const cases = JSON.parse(readFileSync("cases.json", "utf8"));
const python = JSON.parse(execFileSync("venv/bin/python", ["program.py"], { encoding: "utf8" }));
const script = [];
for (const [, output, expected] of cases)
  script.push([(await ExactMatch({ output, expected })).score, (await JSONDiff({ output, expected })).score]);
console.log("autoevals 0.4.1 (Python) and 0.0.132 (JavaScript): ExactMatch, and JSONDiff in brackets");
cases.forEach(([what], n) => console.log(`  ${what.padEnd(22)} Python ${python[n][0]} (${python[n][1]})  JavaScript ${script[n][0]} (${script[n][1]})`));
const expected = [[[1, 1], [1, 1], [0, 1], [0, 1], [0, 1]], [[1, 1], [1, 1], [0, 1], [0, 1], [1, 1]]];
if (JSON.stringify([python, script]) !== JSON.stringify(expected)) {
  console.log("changed: objects are compared in another way now");
  process.exit(1);
}
console.log("as described: equal objects in another order of keys score 0");
process.exit(0);
JS
node program.mjs
