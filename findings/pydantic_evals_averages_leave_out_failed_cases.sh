#!/bin/sh
# Package: pydantic-evals 2.62.0 (PyPI).
# Behaviour seen: ten cases, nine of which end in an error of the model's server, one answered rightly. report.averages() and the
#   table's line "Averages" say assertions 100 %, as with ten right answers; duration and metrics, too, are those of the one. The
#   nine stand in report.failures and in a table of their own below. One wrong answer among the ten is 90 %: ten times the harm
#   of an outage that leaves nine without an answer.
# One would guess: a case without an answer hasn't passed, so 10 %; inspect_ai, for one, ends the run in an error by default.
# Why it matters: a model that refuses or times out on the hard half of a set beats one that answers all. A check in CI on
#   averages().assertions >= 0.9 passes during an outage, and any two runs are compared over different cases.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pydantic-evals==2.62.0
cat > "$work/program.py" <<'PY'
import sys
from importlib.metadata import version

from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EqualsExpected

CASES = [Case(name=f"{n} + 1", inputs=n, expected_output=n + 1) for n in range(10)]


def all_right(number: int) -> int:
    return number + 1


def one_wrong(number: int) -> int:
    return 0 if number == 3 else number + 1


def nine_fail(number: int) -> int:
    if number != 3:
        raise ConnectionError("503 from the model's server")
    return number + 1


def assertions(task):
    report = Dataset(name="sums", cases=CASES, evaluators=[EqualsExpected()]).evaluate_sync(task, progress=False)
    averages = report.averages()
    print(f"{task.__name__:10} {len(report.cases)} cases, {len(report.failures)} failures: assertions {averages.assertions:.0%}")
    return len(report.failures), averages.assertions


print("pydantic-evals", version("pydantic-evals"))
if [assertions(task) for task in (all_right, one_wrong, nine_fail)] != [(0, 1.0), (0, 0.9), (9, 1.0)]:
    sys.exit("changed: failed cases enter averages in another way now")
print("as described: nine of ten without an answer, and 100 %")
PY
"$work/venv/bin/python" "$work/program.py"
