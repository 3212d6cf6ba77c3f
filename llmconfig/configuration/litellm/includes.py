"""A LiteLLM file together with those that its `include` names, put together as LiteLLM does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmconfig.configuration.litellm import source_file
from llmconfig.configuration.litellm.figures import mapping
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.errors import ChangeRefused

INCLUDE = "include"
MAX_FILES = 100


def with_included(
    given: Mapping[str, Any], path: Path, report: MigrationReport
) -> Mapping[str, Any]:
    """The file's sections and those of its includes: lists one after the other, else the last one.

    So LiteLLM 1.83 to 1.110 read them (findings/litellm_include_replaces_whole_sections.sh).

    Names are looked up beside the file that has them, then beside the first. Raises ChangeRefused
    for a file that isn't there, can't be read, or that is the 101st.
    """
    pending = _named(given, path, "", report)
    found = {name: value for name, value in given.items() if name != INCLUDE}
    read = {path.resolve()}
    while pending:
        name, beside = pending.pop(0)
        place = _place(name, beside, path)
        if place in read:
            continue
        if len(read) >= MAX_FILES:
            raise ChangeRefused(f"{path.name} includes more than {MAX_FILES} files.")
        read.add(place)
        inner = _read(name, place, report)
        for section, value in inner.items():
            if section == INCLUDE:
                continue
            before = found.get(section)
            if isinstance(before, list) and isinstance(value, list):
                found[section] = [*before, *value]
            else:
                _note_replaced(section, before, value, name, report)
                found[section] = value
        pending += _named(inner, place, f"{name}: ", report)
    return found


def _note_replaced(
    section: str, before: object, value: object, name: str, report: MigrationReport
) -> None:
    """Settings that are lost because a later file has their section."""
    kept = mapping(value)
    for each in mapping(before):
        if each in kept:
            continue
        report.left_out(
            f"{section}.{each}",
            f"{name} has the section {section} too, which replaces the whole one before it, as"
            " LiteLLM reads them: it was not in force",
        )


def _named(
    given: Mapping[str, Any], path: Path, prefix: str, report: MigrationReport
) -> list[tuple[str, Path]]:
    """What a file includes, with a note for each."""
    listed = given.get(INCLUDE)
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ChangeRefused(f"{path.name}: include is a list of files' names.")
    for at, each in enumerate(listed):
        report.taken(f"{prefix}{INCLUDE}[{at}]", f"the sections of {each} are read with the file")
    return [(each, path) for each in listed]


def _place(name: str, beside: Path, first: Path) -> Path:
    near, far = (each.parent.joinpath(name).resolve() for each in (beside, first))
    return near if near.exists() or not far.exists() else far


def _read(name: str, place: Path, report: MigrationReport) -> Mapping[str, Any]:
    if not place.is_file():
        raise ChangeRefused(f"The included file {name} does not exist.")
    value, twice = source_file.read(place)
    for each in twice:
        report.changed(each, f"given twice in {name}: the last one counts, as LiteLLM reads it")
    if not isinstance(value, dict):
        raise ChangeRefused(f"{name} holds no sections to include.")
    return mapping(value)
