"""What the migrations leave in the database beside the tables."""

import pytest
from django.db import connection

from metrics.models import (
    DailyCallers,
    DailyRollup,
    GenerationHistory,
    GenerationMetric,
    HourlyCallers,
    HourlyRollup,
    OverviewRollup,
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model",
    [
        GenerationMetric,
        GenerationHistory,
        HourlyRollup,
        DailyRollup,
        OverviewRollup,
        HourlyCallers,
        DailyCallers,
    ],
)
def test_psql_says_what_each_column_means(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [model._meta.db_table],
        )
        comments = dict(cursor.fetchall())
    said = {field.column: field.help_text or None for field in model._meta.local_fields}
    assert comments == said
