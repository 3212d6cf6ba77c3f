"""One migrated database, of which each of several test workers gets a copy.

To migrate takes as long as a hundred tests.
"""

import fcntl
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

NAME = "test_nodewise_template"


def use_template(shared: Path) -> None:
    """Have the test database made as a copy of one that the first worker migrates.

    `shared` is a folder that all workers of this run have.
    """
    with (shared / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made := shared / "template.made").exists():
            _migrate()
            made.touch()
    connection.settings_dict["TEST"]["TEMPLATE"] = NAME


def drop_template() -> None:
    """Leave nothing on a server that outlives the tests."""
    found = settings.DATABASES["default"]
    with psycopg.connect(
        host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"],
        dbname="postgres", autocommit=True,
    ) as server:  # fmt: skip
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(NAME)))


def _migrate() -> None:
    kept, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    named = test.get("NAME")
    test["NAME"] = NAME
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()  # a database can't be copied while somebody uses it
        test["NAME"] = named
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = kept
