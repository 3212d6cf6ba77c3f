"""`make answers LLM=demo`: keeps what a model answers to shipped listings, to be judged by hand.

    make answers LLM=demo ARGS="--rows 40 --into answers.jsonl"
    make answers LLM=demo ARGS="--rows 40 --after 11 --each 2 --into others.jsonl"
    make answers LLM=demo ARGS="--rows 10 --characters 601-720 --into longer.jsonl"

Each answer is written as it comes, listing by listing, so that a part is of use, and a run goes on
where another ended. With `--each`, every listing is asked that many kinds of work, in turn.
`fixtures/quality` has those that were judged (benchmarks/judgements.py).
"""

import argparse
import csv
import gzip
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django

from benchmarks.peers import ROOT

# Of a listing's text, from and to: a small model takes minutes over a longer one.
CHARACTERS = (250, 600)
WORK = ("description_cleaning", "dog_profiler", "tagging", "entity_extraction", "translation")
LANGUAGES = ("es",)  # the demo's
ASKED_SECONDS = 1_800.0
_BOOLEANS = {"true": True, "false": False}
BOOLEAN_COLUMNS = (
    "mixed", "fixed", "house_trained", "special_needs", "shots_current", "good_with_children",
    "good_with_dogs", "good_with_cats",
)  # fmt: skip


def shipped_rows() -> dict[str, dict[str, Any]]:
    """The shipped listings by their id, with the columns' values as enrichments read them."""
    with gzip.open(ROOT / "fixtures" / "dogs.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        row.update({name: _BOOLEANS.get(row[name]) for name in BOOLEAN_COLUMNS})
        row["enriched_description"] = ""
    return {row["id"]: row for row in rows}


def chosen(
    count: int, after: int = 0, characters: tuple[int, int] = CHARACTERS
) -> list[dict[str, Any]]:
    """Some of the full listings of bearable length, always the same ones, `after` so many."""
    shortest, longest = characters
    some = [
        row
        for row in shipped_rows().values()
        if row["source"] == "us_full" and shortest <= len(row["description"]) <= longest
    ]
    return sorted(some, key=lambda row: hashlib.sha256(row["id"].encode()).digest())[
        after : after + count
    ]


def in_turn(number: int, each: int) -> tuple[str, ...]:
    """The kinds of work for the listing of this number: `each` of them, so that all have turns."""
    return tuple(WORK[(number * each + step) % len(WORK)] for step in range(min(each, len(WORK))))


def as_generation(kept: Mapping[str, Any]) -> Any:
    """A kept answer as the gates take one."""
    from llmconfig.client.types import Generation

    record: Any = SimpleNamespace(finish_reason=kept["finish"])
    return Generation(text=kept["text"], parsed=kept["parsed"], record=record)


def ask_all(wanted: Iterable[tuple[Mapping[str, Any], str, str]], into: Path, at_once: int) -> None:
    """Ask what isn't in the file yet: rows, kinds of work and languages, some of them at once."""
    done = {_key(each) for each in kept_answers(into)}
    missing = [each for each in wanted if (each[0]["id"], *each[1:]) not in done]
    writing = threading.Lock()

    def ask(each: tuple[Mapping[str, Any], str, str]) -> None:
        row, name, variant = each
        began = time.monotonic()
        kept = _asked(name, row, variant)
        with writing, into.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
            print(f"{row['id']} {name} {variant} {time.monotonic() - began:.0f} s", flush=True)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(ask, missing))


def kept_answers(file: Path) -> Iterator[dict[str, Any]]:
    """The answers in a file, those of an unfinished line left out."""
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                yield json.loads(line)


def _key(kept: Mapping[str, Any]) -> tuple[str, str, str]:
    return kept["id"], kept["enrichment"], kept["variant"]


def _asked(name: str, row: Mapping[str, Any], variant: str) -> dict[str, Any]:
    from enrichment.enrichments import get
    from enrichment.enrichments.confident_parts import ConfidentParts
    from enrichment.prompts.selection import PromptsInForce
    from llmconfig import client
    from llmconfig.client.types import Call
    from llmconfig.errors import LLMError

    enrichment = get(name)
    values = enrichment.values(row, variant=variant)
    kept = {"id": row["id"], "enrichment": name, "variant": variant, "text": "", "parsed": None}
    call = Call(
        node=enrichment.node,
        messages=PromptsInForce(enrichment).of(None).messages(values),
        schema=enrichment.schema,
        logprobs=bool(enrichment.confidence_floor),
        deadline_s=ASKED_SECONDS,
    )
    try:
        answer = client.generate(call, collect=lambda *_: None)
    except LLMError as error:
        return {**kept, "finish": "", "error": str(error)[:300]}
    parsed = answer.parsed
    if isinstance(enrichment, ConfidentParts):  # with the confidence that counts
        parsed = {enrichment.list_name: enrichment.accept(answer, values)}
    text = answer.text if parsed is None else ""
    return {**kept, "text": text, "parsed": parsed, "finish": answer.record.finish_reason}


def _configure() -> None:
    from django.core.management import call_command

    from llmconfig.configuration.revisions import change
    from llmconfig.models import Provider
    from project.embedded.demo.speakers import configure

    if not os.environ.get("LLM_LOCAL_MODEL"):
        sys.exit("There is no model: run `make answers LLM=demo`.")
    call_command("migrate", verbosity=0)
    configure("demo", os.environ)
    with change(source="shell", message="Answers to be judged."):
        Provider.objects.update(timeout_seconds=ASKED_SECONDS)
    call_command("sync_llm_config", verbosity=0)


def _from_to(given: str) -> tuple[int, int]:
    shortest, _, longest = given.partition("-")
    return int(shortest), int(longest)


def main() -> None:
    """Ask, and keep what comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=40, help="How many listings.")
    parser.add_argument("--into", type=Path, required=True, help="The file of answers.")
    parser.add_argument("--after", type=int, default=0, help="How many listings to pass over.")
    parser.add_argument(
        "--characters", type=_from_to, default=CHARACTERS, help="Of the texts, as 250-600."
    )
    parser.add_argument("--each", type=int, default=len(WORK), help="Kinds of work a listing.")
    parser.add_argument("--at-once", type=int, default=1, help="Calls at a time.")
    parser.add_argument("--languages", default=",".join(LANGUAGES), help="Of translations.")
    parser.add_argument("--work", default=",".join(WORK), help="Which enrichments.")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ["LLM_CACHE_ENABLED"] = "false"
    django.setup()
    _configure()
    languages, work = arguments.languages.split(","), arguments.work.split(",")
    wanted = (
        (row, name, variant)
        for number, row in enumerate(chosen(arguments.rows, arguments.after, arguments.characters))
        for name in in_turn(number, arguments.each)
        if name in work
        for variant in (languages if name == "translation" else ("",))
    )
    ask_all(wanted, arguments.into, arguments.at_once)


if __name__ == "__main__":
    main()
