"""The tables can be taken away and made again."""

import pytest
from django.core.management import call_command
from django.db import connection

from metrics.models import GenerationMetric
from metrics.recording import record_call
from tests.metrics.calls import TEXTS, a_record


def tables():
    return {name for name in connection.introspection.table_names() if name.startswith("llm_gen")}


@pytest.mark.django_db(transaction=True)
def test_the_migrations_reverse_with_rows_in_them_and_apply_again():
    before = tables()
    record_call(a_record(), TEXTS)
    try:
        call_command("migrate", "metrics", "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", "metrics", verbosity=0)
    assert tables() == before
    record_call(a_record(), TEXTS)
    assert GenerationMetric.objects.count() == 1


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", "metrics", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_psql_says_what_each_column_means():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT col_description('llm_generation_metrics'::regclass, attnum) FROM pg_attribute"
            " WHERE attrelid = 'llm_generation_metrics'::regclass AND attname = 'cost_usd'"
        )
        (comment,) = cursor.fetchone()
    assert comment == GenerationMetric._meta.get_field("cost_usd").help_text
