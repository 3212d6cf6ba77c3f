"""Imports: what is bad is reported, what is good goes in, and doing it again changes nothing."""

import csv
import gzip
import io
import json

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from enrichment.errors import BadListings
from enrichment.listings.importing.importer import import_listings
from enrichment.models import Animal, Organization

pytestmark = pytest.mark.django_db

COLUMNS = ("id", "org_id", "organization", "name", "description", "good_with_cats", "posted", "sex")


@pytest.fixture
def listings(tmp_path):
    """Writes a CSV with these rows and gives its path; `id` and `name` are filled in."""

    def write(*rows, columns=COLUMNS, name="dogs.csv", encoding="utf-8"):
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, extrasaction="ignore")
        writer.writeheader()
        for number, row in enumerate(rows):
            filled = {"id": f"x{number}", "org_id": "o", "organization": "rescue", "name": "Rex"}
            writer.writerow(filled | row)
        path = tmp_path / name
        data = text.getvalue().encode(encoding)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def counts(report):
    return report.added, report.updated, report.unchanged, len(report.bad)


def test_new_rows_are_added_known_ones_updated_and_the_rest_left(listings):
    assert counts(import_listings(listings({}, {}, {}))) == (3, 0, 0, 0)
    before = dict(Animal.objects.values_list("external_id", "updated_at"))
    path = listings({}, {"description": "New words."}, {}, {})
    assert counts(import_listings(path)) == (1, 1, 2, 0)
    assert Animal.objects.get(external_id="x1").description == "New words."
    assert Animal.objects.get(external_id="x0").updated_at == before["x0"]


def test_what_models_wrote_survives_an_import(listings):
    import_listings(listings({}))
    Animal.objects.update(enriched_description="Cleaned.", tags=[])
    import_listings(listings({"description": "New words."}))
    animal = Animal.objects.get()
    assert (animal.description, animal.enriched_description) == ("New words.", "Cleaned.")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"id": " "}, "id is empty"),
        ({"name": ""}, "name is empty"),
        ({"org_id": "", "organization": "!"}, "org_id and organization are both empty"),
        ({"name": "x" * 201}, "name has 201 characters; 200 fit"),
        ({"good_with_cats": "maybe"}, "good_with_cats is 'maybe'"),
        ({"posted": "yesterday"}, "posted is 'yesterday'"),
        ({"posted": "2019-02-30T00:00:00Z"}, "posted is '2019-02-30T00:00:00Z'"),
        ({"posted": "2019-02-03T00:00:00"}, "lacks its time zone"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_others_go_in(listings, bad, reason):
    report = import_listings(listings({}, bad, {}))
    assert counts(report)[0] == 2
    (row,) = report.bad
    assert row.line == 3
    assert reason in row.reason


def test_a_missing_column_is_named(listings):
    with pytest.raises(BadListings, match="column 'description' is missing"):
        import_listings(listings({}, columns=("id", "org_id", "organization", "name")))


def test_of_a_repeated_id_the_last_row_counts(listings):
    report = import_listings(listings({"name": "A"}, {"id": "x0", "name": "B"}))
    assert counts(report)[0] == 1
    assert Animal.objects.get().name == "B"


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("dogs.csv.gz", "utf-8"), ("dogs.csv", "utf-8-sig"), ("dogs.csv.gz", "utf-8-sig")],
)
def test_packed_files_and_byte_order_marks_are_read(listings, name, encoding):
    import_listings(listings({"description": "Äpfel"}, name=name, encoding=encoding))
    assert Animal.objects.get().description == "Äpfel"


def test_a_file_in_another_encoding_keeps_what_can_be_read(listings):
    report = import_listings(listings({"description": "Äpfel, gut"}, encoding="latin-1"))
    assert counts(report)[0] == 1
    assert Animal.objects.get().description == "\ufffdpfel, gut"


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b"id,name\n"])
def test_a_broken_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / ("dogs.csv.gz" if content[:1] == b"\x1f" else "dogs.csv")
    path.write_bytes(content)
    with pytest.raises(BadListings) as refusal:
        import_listings(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_listings", str(tmp_path / "none.csv"))


def test_the_command_reports(listings, capsys):
    call_command("import_listings", str(listings({}, {"name": ""})), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["bad"][0]["reason"]) == (1, "name is empty")
    call_command("import_listings", str(listings({}, {"name": ""})))
    assert "line 3: name is empty" in capsys.readouterr().out


def test_the_shipped_listings_go_in_whole():
    path = settings.BASE_DIR / "fixtures" / "dogs.csv.gz"
    assert counts(import_listings(path)) == (3000, 0, 0, 0)
    assert counts(import_listings(path)) == (0, 0, 3000, 0)
    assert Organization.objects.exists()
