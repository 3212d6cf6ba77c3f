"""What the runs find in the database: tables, the shipped listings, a provider with its price."""

import datetime as dt
import math
import os
import sys
from decimal import Decimal
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from benchmarks.provider import KEY, MODEL
from enrichment.listings.importing.importer import import_listings
from enrichment.listings.models import Animal
from llmconfig.configuration.revisions import change
from llmconfig.models import (
    InteractionType,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
)
from llmconfig.secrets import Secret

ENRICHMENT = "description_cleaning"
LISTINGS = Path(__file__).resolve().parent.parent / "fixtures" / "dogs.csv.gz"
TEMPERATURE = 0.3


def prepare(simulator_url: str) -> None:
    """Make the tables and fill them; ends the process when the database is not empty."""
    if connection.introspection.table_names():
        sys.exit(
            "DATABASE_URL names a database that has tables. Benchmarks overwrite listings and"
            " settings: give an empty one, or unset it and run `make bench`."
        )
    call_command("migrate", verbosity=0)
    import_listings(LISTINGS)
    with change(source="shell", message="Benchmark"):
        _configure(simulator_url)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _configure(simulator_url: str) -> None:
    provider = Provider(
        name="simulated",
        provider_type="custom",
        api_base_url=f"{simulator_url}/v1",
    )
    provider.set_key(Secret(KEY))
    provider.save()
    model = ProviderModel.objects.create(provider=provider, model_id=MODEL)
    ModelPrice.objects.create(
        model=model,
        valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        input_per_1m=Decimal("0.15"),
        output_per_1m=Decimal("0.60"),
    )
    NodeConfiguration.objects.create(
        node_name=ENRICHMENT,
        interaction_type=InteractionType.ENRICHER,
        default_model=f"simulated/{MODEL}",
        default_temperature=TEMPERATURE,
    )
    LLMConfig.objects.update_or_create(pk=1, defaults={"provider": provider, "enabled": True})


def multiply(rows: int) -> None:
    """Copy the listings until as many have a description.

    Ids differ and so do texts, by the id at their end: the same question would be asked once only.
    """
    columns = [
        f'"{field.column}"'
        for field in Animal._meta.concrete_fields  # noqa: SLF001 - the documented way
        if field.name not in {"id", "external_id", "description"}
    ]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO animals (external_id, description, {names})"  # noqa: S608 - the model's
            " SELECT external_id || '-' || copy,"
            f" description || ' Listing ' || external_id || '-' || copy, {names}"
            " FROM animals, generate_series(2, %s) AS copy WHERE description <> '' ORDER BY copy",
            [math.ceil(rows / Animal.objects.exclude(description="").count())],
        )
        cursor.execute("VACUUM ANALYZE animals")


def cpu_seconds() -> float:
    """What the server's processes that run now have taken since each began; on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = _processor(cursor.fetchone()[0])[0]
    processes = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    found = [_processor(each) for each in processes]
    return sum(taken for parent, taken in found if parent == server)


def _processor(process: int) -> tuple[int, float]:
    """A process's parent and its CPU seconds; those of one that is gone are (0, 0)."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0, 0.0
    return int(stat[1]), (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def row_ids(count: int) -> list[int]:
    """Keys of listings that have a description; fewer if there are not so many.

    Of listings that say the same, the first: a batch asks once for all of them.
    """
    told = Animal.objects.exclude(description="").order_by("name", "description", "pk")
    first = told.distinct("name", "description").values("pk")
    rows = Animal.objects.filter(pk__in=first).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:count])
