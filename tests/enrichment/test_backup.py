"""A dump of a filled database, restored elsewhere: every row is there, and it goes on from it."""

import os
import subprocess
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from enrichment.batches import creation, lifecycle, undo
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.models import Batch, EnrichmentResult
from llmconfig.models import Budget
from metrics import rollups
from project.embedded.postgres import tool
from tests.database import database_url
from tests.llmconfig.gateway_server import new_key

pytestmark = pytest.mark.django_db(transaction=True)

# Partitions and their parents; what a backup must hold of each is all of its rows.
TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 1
"""
# Functions, triggers, views, checks and indexes; PostgreSQL writes some of their conditions in
# another form after a restore, so those go by their names.
DEFINITIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT viewname::text FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || convalidated FROM pg_constraint
          WHERE conrelid <> 0
UNION ALL SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index
          WHERE indexrelid::regclass::text NOT LIKE 'pg_%'
ORDER BY 1
"""


def run_tool(name, *arguments):
    there = urlsplit(database_url())
    ran = subprocess.run(
        [tool(name), f"--host={there.hostname}", f"--port={there.port}",
         f"--username={there.username}", "--no-password", *arguments],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": str(there.password), "LC_ALL": "C"},
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def restored_url():
    """Where the backup is restored: a database of its own."""
    here = database_url()
    name = f"{connection.settings_dict['NAME']}_restored"
    with psycopg.connect(here, autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {name}")
        yield f"{here.rpartition('/')[0]}/{name}"
        session.execute(f"DROP DATABASE {name} WITH (FORCE)")


def contents(url):
    """By table, how many rows it has and a sum over all of their text; and all definitions."""
    with psycopg.connect(url) as session:
        tables = {
            table: session.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
            ).fetchone()
            for (table,) in session.execute(TABLES).fetchall()
        }
        return tables, session.execute(DEFINITIONS).fetchall()


def test_a_restored_backup_holds_everything_and_a_batch_goes_on_from_it(
    provider, simulator, make_animals, restored_url, tmp_path
):
    make_animals(30)
    Budget.objects.create(name="all", scope="everything", period="day", hard_limit_usd=5)
    new_key()
    undone = creation.create("description_cleaning", Selection())
    run_lane(undone.pk)
    undone.refresh_from_db()
    undo.undo(undone)
    rollups.roll_up()
    half = creation.create("description_cleaning", Selection())
    lifecycle.start(half.pk)  # the backup finds it in the middle of a lane
    half.chunks.update(status="leased", lease_token=uuid4(), leased_until=Now())
    before = contents(database_url())
    assert before[0]["enrichment_results"][0] == 30
    file = str(tmp_path / "backup")
    run_tool("pg_dump", "--format=custom", f"--file={file}", connection.settings_dict["NAME"])
    run_tool("pg_restore", f"--dbname={restored_url.rpartition('/')[2]}", "--exit-on-error", file)
    tables, definitions = contents(restored_url)
    assert tables == before[0]
    assert set(definitions) ^ set(before[1]) == set()

    # The batch that ran is worked off there: keys can be read, and new rows get new ids.
    ran = subprocess.run(
        [sys.executable, "-c", GO_ON, str(half.pk)],
        env={**os.environ, "DATABASE_URL": restored_url, "LLM_EGRESS_ALLOW": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ran.stdout.split() == ["completed", "30", "60", "60"], ran.stdout + ran.stderr
    assert Batch.objects.get(pk=half.pk).status == "running"  # and here nothing has happened
    assert EnrichmentResult.objects.count() == 30


GO_ON = """
import os, sys
from uuid import UUID
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
import django
django.setup()
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import run_lane
from enrichment.models import EnrichmentResult
from metrics.models import GenerationMetric
batch_id = UUID(sys.argv[1])
run_lane(batch_id)
at = progress_of(batch_id)
print(at.status, at.done, EnrichmentResult.objects.count(), GenerationMetric.objects.count())
"""
