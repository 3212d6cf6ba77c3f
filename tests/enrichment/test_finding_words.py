"""Why an answer was held, told to readers of other languages than English."""

from django.utils import translation

from enrichment.admin.finding_words import in_words

WRONG = {"code": "wrong_language", "text": "x", "data": {"found": "es", "wanted": "pt-br"}}


def test_a_german_reader_is_told_languages_by_their_names():
    with translation.override("de"):
        assert in_words("x", [WRONG]) == "Falsche Sprache: Spanisch, Portugiesisch (pt-br)."
        unknown = WRONG | {"data": {"found": "qx", "wanted": ""}}
        assert in_words("x", [unknown]) == "Falsche Sprache: qx."


def test_words_that_look_like_a_language_stay_as_they_are():
    """“no”, “de” and “it” are words of listings too."""
    finding = {"code": "template_remains", "text": "x", "data": {"found": ["es"]}}
    with translation.override("de"):
        assert ": es." in in_words("x", [finding])
