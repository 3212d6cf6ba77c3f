"""A profile says each thing once, whatever a small model repeats."""

from types import SimpleNamespace
from typing import Any

import pytest

from enrichment.enrichments import get
from enrichment.errors import AnswerRejected


def accepted(**parts: Any) -> Any:
    answer: Any = SimpleNamespace(parsed=parts)
    return get("dog_profiler").accept(answer, {})


def test_lists_say_each_thing_once_and_nothing_blank() -> None:
    told = accepted(
        bio=" Likes to play. ", personality_traits=[" playful", "timid", "Playful", " "]
    )
    assert told == {"bio": "Likes to play.", "personality_traits": ["playful", "timid"]}


def test_a_blank_part_is_left_out_and_without_a_bio_there_is_no_profile() -> None:
    told = accepted(bio="Likes to play.", fun_fact="  ", interests=[" "])
    assert told == {"bio": "Likes to play."}
    with pytest.raises(AnswerRejected, match="bio is blank"):
        accepted(bio=" ", fun_fact="Eats pears.")
