"""What the migrations leave in the database beside the tables."""

import pytest
from django.db import connection

from metrics.models import GenerationMetric


@pytest.mark.django_db
def test_psql_says_what_each_column_means():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
            " WHERE attrelid = 'llm_generation_metrics'::regclass AND attnum > 0"
        )
        comments = dict(cursor.fetchall())
    said = {field.column: field.help_text or None for field in GenerationMetric._meta.local_fields}
    assert comments == said
