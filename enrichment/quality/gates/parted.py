"""Texts as lists of their words: quickly where they are in ASCII, as most are, else by patterns."""

from string import ascii_letters, digits

from enrichment.quality.patterns import compiled_later

_LETTERS_AND_FIGURES = compiled_later(r"[^\W_]+")
_LETTERS = compiled_later(r"[^\W\d_]+")
_WORDS = compiled_later(r"[^\W_]+(?:'[^\W_]+)*")
_NO_LETTERS = "“”‘’–—…•"  # noqa: RUF001 - the usual ones beyond ASCII


def _spaces_but(kept: str) -> bytes:
    return bytes(each if chr(each) in kept else ord(" ") for each in range(256))


_BESIDE_LETTERS_AND_FIGURES = _spaces_but(ascii_letters + digits)
_BESIDE_LETTERS = _spaces_but(ascii_letters)
_BESIDE_WORDS = _spaces_but(f"{ascii_letters}{digits}'")


def letters_and_figures(text: str) -> list[str]:
    """Its runs of letters and figures."""
    text = _plain(text)
    if not text.isascii():
        return _LETTERS_AND_FIGURES.findall(text)
    return text.encode().translate(_BESIDE_LETTERS_AND_FIGURES).decode().split()


def letters(text: str) -> list[str]:
    """Its runs of letters."""
    text = _plain(text)
    if not text.isascii():
        return _LETTERS.findall(text)
    return text.encode().translate(_BESIDE_LETTERS).decode().split()


def words_with_apostrophes(text: str) -> list[str]:
    """Its runs of letters and figures, joined where one apostrophe stands between two of them."""
    text = _plain(text)
    if not text.isascii():
        return _WORDS.findall(text)
    text = text.encode().translate(_BESIDE_WORDS).decode()
    if "'" in text and (" '" in (around := f" {text} ") or "' " in around or "''" in text):
        return _WORDS.findall(text)
    return text.split()


def _plain(text: str) -> str:
    """Without the signs beyond ASCII that nearly all texts do with, where there are any."""
    if not text.isascii():
        for each in _NO_LETTERS:
            text = text.replace(each, " ")
    return text
