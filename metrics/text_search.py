"""Search in prompts and answers: PostgreSQL's full text, without stemming, in any language.

It needs no index to work, only to be quick over many texts. An index costs time with each call that
is stored, so it is an operator's choice: `manage.py llm_text_index`.
"""

from collections.abc import Iterator

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import Func, QuerySet

from metrics import partitions
from metrics.models import GenerationHistory

TABLE = GenerationHistory._meta.db_table  # noqa: SLF001 - Django's documented name
INDEX = "llm_history_words"
USING = "USING gin (llm_text_words(prompt_text, generated_code))"


class TextWords(Func):
    """The words of a row's texts, by the function that the index is made of."""

    function = "llm_text_words"
    output_field = SearchVectorField()


def matching(rows: "QuerySet[GenerationHistory]", words: str) -> "QuerySet[GenerationHistory]":
    """The rows with all these words; "quoted" ones in a row, `or` between, `-` before unwanted."""
    query = SearchQuery(words, config="simple", search_type="websearch")
    return rows.alias(words=TextWords("prompt_text", "generated_code")).filter(words=query)


def build_index() -> Iterator[str]:
    """Make what is missing of the index, month by month, while calls are stored; yields each name.

    Months to come get theirs with their partition. Must not run inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON ONLY {TABLE} {USING}")
        cursor.execute(
            "SELECT c.relname FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid"
            " JOIN pg_class c ON c.oid = indrelid WHERE inhparent = %s::regclass",
            [INDEX],
        )
        done = {month for (month,) in cursor.fetchall()}
        for month in partitions.existing(cursor, TABLE):
            if month.name in done:
                continue
            name = f"{month.name}_words"
            cursor.execute(f"DROP INDEX IF EXISTS {name}")  # what a broken-off run left
            cursor.execute(f"CREATE INDEX CONCURRENTLY {name} ON {month.name} {USING}")
            cursor.execute(f"ALTER INDEX {INDEX} ATTACH PARTITION {name}")
            yield name


def drop_index() -> bool:
    """Remove the index of all months; whether there was one."""
    found = has_index()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")
    return found


def has_index() -> bool:
    """Whether every month of texts has the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX]
        )
        found = cursor.fetchone()
    return bool(found and found[0])
