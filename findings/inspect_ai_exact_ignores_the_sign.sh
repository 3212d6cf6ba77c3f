#!/bin/sh
# Package: inspect-ai 0.3.285 (PyPI).
# Behaviour seen: the scorer exact() gives CORRECT for output "-5" and target "5", "C++" and "C", "5%" and "5"; f1() gives 1.0
#   for "-5" and "5". Answers are normalised as in reading-comprehension benchmarks: punctuation is removed (a minus sign and
#   a plus sign are punctuation) unless the answer as a whole is a number that reads the same. match(numeric=True) sees
#   the sign, but reads "The total is 3 000" as 0 and finds no number in "The answer is 42%".
# One would guess: a scorer named exact is the strictest one, and "-5" isn't "5".
# Why it matters: a model that gets signs wrong (changes, balances, temperatures) scores 100%, so that a cheaper model passes
#   the comparison by which it is chosen.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq inspect-ai==0.3.285
cat > "$work/program.py" <<'PY'
import asyncio
import sys
from importlib.metadata import version

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Target, exact, f1, match
from inspect_ai.solver import TaskState

CASES = [  # scorer, output, target, score
    ("exact", "-5", "5", "C"),
    ("exact", "C++", "C", "C"),
    ("exact", "5%", "5", "C"),
    ("exact", "1.5", "15", "I"),
    ("f1", "-5", "5", 1.0),
    ("match(numeric=True)", "-5", "5", "I"),
    ("match(numeric=True)", "The total is 3 000", "3000", "I"),
    ("match(numeric=True)", "The answer is 42%", "42", "I"),
]
SCORERS = {"exact": exact(), "f1": f1(), "match(numeric=True)": match(numeric=True)}


async def main():
    changed = False
    for scorer, output, target, expected in CASES:
        state = TaskState(model="mockllm/model", sample_id=1, epoch=1, input="q", messages=[], output=ModelOutput.from_content("mockllm/model", output))
        score = await SCORERS[scorer](state, Target(target))
        print(f"{scorer}: output {output!r}, target {target!r} -> {score.value}")
        changed |= score.value != expected
    return changed


print("inspect-ai", version("inspect-ai"))
if asyncio.run(main()):
    sys.exit("changed: these answers are scored in another way now")
print("as described: exact() takes -5 for 5")
PY
"$work/venv/bin/python" "$work/program.py"
