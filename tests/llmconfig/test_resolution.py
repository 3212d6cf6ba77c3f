import psycopg
import pytest
from django.db import connection, transaction

from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.configuration.revisions import change
from llmconfig.models import (
    GlobalConfig,
    LLMConfig,
    Provider,
    ProviderModel,
    Revision,
    RevisionChange,
)
from tests.database import database_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def configured():
    with change(source="shell", message="test") as revision:
        local = Provider.objects.create(name="local", provider_type="local")
        ProviderModel.objects.create(provider=local, model_id="phi3")
        LLMConfig.objects.create(enabled=True)
        GlobalConfig.objects.create(
            interaction_type="reasoning", model="local/phi3", temperature=0.7
        )
    return revision


def test_a_change_makes_one_revision_with_all_its_rows(configured):
    assert Revision.objects.get().number == configured.number == 1
    assert RevisionChange.objects.count() == 4
    made = RevisionChange.objects.get(table_name="llm_providers").after
    assert made
    assert "api_key" not in made


def test_resolution_from_the_snapshot_costs_no_query(configured, django_assert_num_queries):
    snap = snapshot.current()
    with django_assert_num_queries(0):
        found = resolve("reasoning", snapshot=snap)
    assert found.targets[0].model_id == "phi3"
    winner = found.winner("temperature")
    assert winner
    assert winner.layer == "interaction type"


def test_raw_sql_moves_the_version_too(configured):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE llm_global_config SET temperature = 0.1")
    assert Revision.objects.values_list("source", flat=True)[0] == "sql"
    snapshot.expire()
    assert resolve("reasoning", snapshot=snapshot.current()).targets[0].temperature == 0.1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_of_short_time_outlives_a_configuration_that_it_could_not_read():
    held = snapshot.current()
    with psycopg.connect(database_url()) as other, transaction.atomic():
        other.execute("LOCK TABLE llm_config_version IN ACCESS EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            snapshot.expire()
            assert snapshot.current() is held
            cursor.execute("SELECT 1")
