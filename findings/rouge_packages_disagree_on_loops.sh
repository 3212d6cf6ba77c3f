#!/bin/sh
# Packages: rouge 1.0.1 and rouge-score 0.1.2 (PyPI), the two that `import rouge...` usually means: ROUGE-1 and ROUGE-2, F1.
# Behaviour seen: an answer that says the reference's sentence twenty times, as a model in a loop does, gets 1.0 and 0.95 from
#   `rouge`, 0.095 and 0.087 from `rouge-score`. The first makes a set of each text's words and pairs, so that a repeated one counts
#   once; the second counts each, and gives credit for it as often as the reference has it. Texts without repetitions score alike.
# One would guess: ROUGE is ROUGE: overlap of n-grams with clipped counts, as the paper defines it, in each package of that name.
# Why it matters: looping is a common way for small or badly sampled models to fail, and it's the failure that one of the two doesn't
#   see: a table of scores, or a threshold, can't be moved from one to the other. `Rouge(exclusive=False)` counts repetitions.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq rouge==1.0.1 rouge-score==0.1.2
cat > "$work/program.py" <<'PY'
import sys
from importlib.metadata import version

from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer

REFERENCE = "our shop ships each order within two working days of payment"
ANSWERS = {
    "the same": REFERENCE,
    "in other words": "each order leaves within two days of payment",
    "in a loop": " ".join([REFERENCE] * 20),
}
counting = RougeScorer(["rouge1", "rouge2"])


def scores(answer):
    of_sets = Rouge(metrics=["rouge-1", "rouge-2"]).get_scores(answer, REFERENCE)[0]
    of_counts = counting.score(REFERENCE, answer)
    return (
        [round(of_sets[name]["f"], 3) for name in ("rouge-1", "rouge-2")],
        [round(of_counts[name].fmeasure, 3) for name in ("rouge1", "rouge2")],
    )


seen = {name: scores(answer) for name, answer in ANSWERS.items()}
print(f"rouge {version('rouge')}, rouge-score {version('rouge-score')}: F1 of ROUGE-1 and ROUGE-2")
for name, (of_sets, of_counts) in seen.items():
    print(f"  {name:15} rouge {of_sets}  rouge-score {of_counts}")
loop = seen["in a loop"]
alike = all(seen[name][0] == seen[name][1] for name in ("the same", "in other words"))
if not (alike and min(loop[0]) > 0.9 and max(loop[1]) < 0.11):
    sys.exit("changed: other scores now")
print("as described: a loop is nearly perfect to the one and nearly worthless to the other")
PY
"$work/venv/bin/python" "$work/program.py"
