"""A few sentences of other languages, so that a simulated translation looks like one."""

from __future__ import annotations

import re

_ASKED = re.compile(r"\binto (French|German|Italian|Portuguese|Spanish)\b")
_SENTENCES = {
    "French": "Ce chien cherche une famille qui lui donnera du temps et de la tendresse. Il aime"
    " les promenades et il est calme à la maison.",
    "German": "Dieser Hund sucht eine Familie, die ihm Zeit und Ruhe gibt. Er geht gern spazieren"
    " und ist im Haus sehr ruhig.",
    "Italian": "Questo cane cerca una famiglia che gli dia tempo e affetto. Ama le passeggiate ed"
    " è tranquillo in casa.",
    "Portuguese": "Este cão procura uma família que lhe dê tempo e carinho. Ele gosta de passear e"
    " é tranquilo em casa.",
    "Spanish": "Este perro busca una familia que le dé tiempo y cariño. Le gusta pasear y es"
    " tranquilo en la casa.",
}


def translated(words: list[str], prompt: str) -> list[str]:
    """As many words in the language that is asked for; the given ones if none is.

    Names and figures come first and stay as they are.
    """
    asked = _ASKED.search(prompt)
    if asked is None:
        return words
    sentences = _SENTENCES[asked[1]].split(" ")
    kept = [word for word in words if word[:1].isupper() or any(map(str.isdigit, word))]
    length = max(len(words), len(kept) + 4)
    return [*kept, *(sentences * (length // len(sentences) + 1))][:length]
