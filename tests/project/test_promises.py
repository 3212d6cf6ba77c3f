"""A figure in a document names the test or the measurement that holds it."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "promises.md"
MAP = ROOT / "docs" / "architecture.md"  # its lines are the modules' own
WRITTEN = re.compile(r"Written by\s+`")  # by a command, which holds its figures
LINE = re.compile(r"^\| (\S+\.md) \| (.+?) \| (.+) \|$", re.MULTILINE)
DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
FIGURE = re.compile(r"(?<![\w.`])\d[\d,.]*\s(?:ms|µs|s|seconds?|minutes?|hours?|%|MB|KB|GB)(?!\w)")
CODE_BLOCK = re.compile(r"```.*?```", re.DOTALL)
TEST = re.compile(r"`(?:tests/\S*?)?(test_\w+)(?:\*?\.py)?`")
COMMAND = re.compile(r"`(?:make ([a-z-]+)|python -m (benchmarks(?:\.\w+)?))")
NOTHING = "nothing yet"
MAX_WITHOUT = 3  # sections whose figures nothing holds; may only become fewer


def sections() -> Iterator[tuple[str, str, str]]:
    """Document, heading and text of each section that people write."""
    for path in sorted(ROOT.glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        if path in {INDEX, MAP} or WRITTEN.search(text[:600]):
            continue
        for section in re.split(r"(?m)^(?=#+ )", CODE_BLOCK.sub("", text)):
            heading, _, body = section.partition("\n")
            yield path.name, heading.lstrip("# "), body


def index() -> dict[tuple[str, str], str]:
    """By document and section, what the index says."""
    lines = LINE.findall(INDEX.read_text(encoding="utf-8"))
    return {(document, section): holders for document, section, holders in lines}


def all_tests() -> set[str]:
    """The names of all tests and of the files that they stand in."""
    files = list(ROOT.glob("tests/**/test_*.py"))
    found = {each.stem for each in files}
    for each in files:
        found |= set(DEFINITION.findall(each.read_text(encoding="utf-8")))
    return found


def is_held(text: str) -> bool:
    return bool(TEST.search(text) or COMMAND.search(text))


def test_each_section_with_figures_says_what_holds_them_or_stands_in_the_index():
    with_figures = {
        (document, heading): body for document, heading, body in sections() if FIGURE.search(body)
    }
    by_themselves = {key for key, body in with_figures.items() if is_held(body)}
    listed = set(index())
    assert set(with_figures) - by_themselves - listed == set(), "name them in docs/promises.md"
    assert listed - set(with_figures) == set(), "these have no figures, or another heading"


def test_what_the_index_names_holds_something_and_little_is_held_by_nothing():
    holders = index()
    assert all(held == NOTHING or is_held(held) for held in holders.values())
    assert sum(held == NOTHING for held in holders.values()) <= MAX_WITHOUT


def test_each_test_and_command_that_a_document_names_exists():
    known = all_tests()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for path in sorted(ROOT.glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        for name in TEST.findall(text):
            held = name in known or any(each.startswith(name) for each in known)
            assert held, f"{path.name} names {name}, which is no test"
        for target, module in COMMAND.findall(text):
            assert not target or target in targets, f"{path.name}: make {target}"
            assert not module or importlib.util.find_spec(module), f"{path.name}: {module}"
