"""Imports: what is bad is reported, what is good goes in, and nothing that is there is damaged."""
# ruff: noqa: RUF001 - letters of many languages are the subject

import csv
import datetime as dt
import gzip
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from openpyxl import Workbook

from enrichment.listings.errors import BadListings
from enrichment.listings.importing.importer import ImportOptions, import_listings
from enrichment.listings.models import Animal, Organization

pytestmark = pytest.mark.django_db

COLUMNS = ("id", "org_id", "organization", "name", "description", "good_with_cats", "posted", "sex")
HEAD = "id,org_id,organization,name,description,breed,good_with_cats\n"
GOOD = HEAD + "1,o1,Tierfreunde Müller e.V.,Bärbel,Schöner Hund für 5 €,Pudel,true\n"


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


def take(content: str | bytes, **options):
    """Import this content as an upload would be."""
    dry_run = options.pop("dry_run", False)
    raw = content if isinstance(content, bytes) else content.encode()
    return import_listings(io.BytesIO(raw), dry_run=dry_run, options=ImportOptions(**options))


def counts(report):
    return report.added, report.updated, report.unchanged, len(report.bad)


def only() -> Animal:
    return Animal.objects.select_related("organization").get()


# What is there


def test_new_rows_are_added_known_ones_updated_and_the_rest_left(listings):
    assert counts(import_listings(listings({}, {}, {}))) == (3, 0, 0, 0)
    before = dict(Animal.objects.values_list("external_id", "updated_at"))
    path = listings({}, {"description": "New words."}, {}, {})
    assert counts(import_listings(path)) == (1, 1, 2, 0)
    assert Animal.objects.get(external_id="x1").description == "New words."
    after = dict(Animal.objects.values_list("external_id", "updated_at"))
    assert after["x0"] == before["x0"]
    assert after["x1"] > before["x1"]


def test_what_models_wrote_survives_an_import(listings):
    import_listings(listings({}))
    Animal.objects.update(enriched_description="Cleaned.", tags=[])
    import_listings(listings({"description": "New words."}))
    animal = only()
    assert (animal.description, animal.enriched_description) == ("New words.", "Cleaned.")


def test_columns_that_a_file_lacks_stay_as_they_are():
    take(GOOD)
    report = take("id,description\n1,New text\n")
    assert counts(report) == (0, 1, 0, 0)
    row = only()
    assert (row.description, row.breed, row.good_with_cats) == ("New text", "Pudel", True)
    assert (row.name, row.organization.external_id) == ("Bärbel", "o1")


def test_an_empty_cell_empties_its_field_and_a_missing_name_in_json_does_not():
    take(GOOD)
    take('[{"id": "1", "breed": ""}]')
    row = only()
    assert (row.breed, row.good_with_cats, row.name) == ("", True, "Bärbel")


def test_text_that_lost_characters_never_replaces_readable_text():
    take(GOOD)
    report = take("id,description\n1,Sch\ufffdner Hund\n")
    assert "U+FFFD" in report.bad[0].reason
    assert only().description == "Schöner Hund für 5 €"


def test_a_date_that_says_less_than_the_stored_time_changes_nothing():
    take("id,org_id,name,description,posted\n1,o1,Rex,Calm,2024-03-05T10:30:00Z\n")
    assert counts(take("id,posted\n1,05.03.2024\n")) == (0, 0, 1, 0)
    assert counts(take("id,posted\n1,06.03.2024\n")) == (0, 1, 0, 0)
    assert only().posted == dt.datetime(2024, 3, 6, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "broken",
    [
        GOOD.replace("Schöner", "Neuer") + '2,o1,Org,Max,"Calm,Pudel,true\n',
        GOOD.replace("Schöner", "Neuer").encode() + "2,o1,Org,Mäx,Calm,,\n".encode("cp1252"),
        json.dumps([{"id": "1", "description": "Neuer"}])[:-1],
        gzip.compress(GOOD.replace("Schöner", "Neuer").encode())[:-12],
    ],
    ids=["unclosed quotation mark", "two encodings", "cut JSON", "cut gzip"],
)
def test_a_file_that_breaks_in_the_middle_changes_nothing(broken):
    take(GOOD)
    with pytest.raises(BadListings):
        take(broken)
    assert only().description == "Schöner Hund für 5 €"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Sch?ner Hund für 5 ?", "question marks"),
        ("Sch\u00c3\u00b6ner Hund f\u00c3\u00bcr 5 \u00e2\u201a\u00ac", "encoded twice"),
    ],
)
def test_text_that_was_spoilt_before_it_came_here_never_replaces_readable_text(cell, said):
    take(GOOD)
    assert said in take(f"id,description\n1,{cell}\n").bad[0].reason
    assert only().description == "Schöner Hund für 5 €"
    take("id,description\n1,Is he ready?\n")
    assert only().description == "Is he ready?"


def test_files_that_were_put_together_repeat_their_header_and_their_mark_and_add_no_listing():
    columns = "id,org_id,name,description\n"
    report = take(f"{columns}1,o1,Rex,Calm\n\ufeff{columns}\ufeff2,o1,Bo,Calm\n")
    assert counts(report) == (2, 0, 0, 1)
    assert report.bad[0].reason == "it repeats the header"
    assert set(Animal.objects.values_list("external_id", flat=True)) == {"1", "2"}


# Organizations


def test_an_organization_keeps_its_name_as_it_is_written():
    take(GOOD)
    organization = only().organization
    assert (organization.name, organization.slug) == (
        "Tierfreunde Müller e.V.",
        "tierfreunde-muller-ev",
    )


def test_a_name_that_a_person_gave_an_organization_stays_and_the_report_says_so():
    take(GOOD)
    Organization.objects.update(name="Tierfreunde")
    report = take(GOOD)
    assert counts(report) == (0, 0, 1, 0)
    assert "stays 'Tierfreunde'" in report.notes[0]
    assert Organization.objects.get().name == "Tierfreunde"


def test_a_name_made_from_a_slug_gives_way_to_one_that_is_written_out():
    take(GOOD.replace("Tierfreunde Müller e.V.", "tierfreunde-mueller"))
    assert Organization.objects.get().name == "Tierfreunde Mueller"
    take(GOOD)
    assert Organization.objects.get().name == "Tierfreunde Müller e.V."


def test_a_file_without_ids_of_organizations_finds_them_by_name():
    take(GOOD)
    report = take("id,organization,description\n1,Tierfreunde Müller e.V.,New\n")
    assert (counts(report), Organization.objects.count()) == ((0, 1, 0, 0), 1)
    assert only().organization.external_id == "o1"


def test_an_organization_whose_letters_have_no_slug_in_ascii_is_taken():
    take("id,organization,name,description\n1,Приют Надежда,Rex,Calm\n")
    assert only().organization.name == "Приют Надежда"


def test_a_row_that_is_left_out_makes_no_organization():
    report = take("id,org_id,organization,description\n1,o9,New rescue,Calm\n")
    assert (counts(report)[3], Organization.objects.count()) == (1, 0)


# Rows that are left out


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"id": " "}, "id is empty"),
        ({"name": ""}, "name is empty"),
        ({"org_id": "", "organization": "!"}, "org_id and organization are both empty"),
        ({"org_id": "o" * 51}, "org_id has 51 characters; 50 fit"),
        ({"name": "x" * 201}, "name has 201 characters; 200 fit"),
        ({"good_with_cats": "maybe"}, "good_with_cats is 'maybe'"),
        ({"posted": "yesterday"}, "posted is 'yesterday'"),
        ({"posted": "2019-02-30T00:00:00Z"}, "posted is '2019-02-30T00:00:00Z'"),
        ({"posted": "03/04/2024"}, "day and month can't be told apart"),
        ({"posted": "0001-01-01T00:00:00+14:00"}, "the year 1 isn't between 1900 and 2100"),
        ({"posted": "9999-12-31"}, "the year 9999 isn't between 1900 and 2100"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_others_go_in(listings, bad, reason):
    report = import_listings(listings({}, bad, {}))
    assert counts(report)[0] == 2
    (row,) = report.bad
    assert row.line == 3
    assert reason in row.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,o1,Org,Max,Calm, friendly,Pudel,true", "it has 8 cells, the header 7"),
        ("2,o1,Org", "it has 3 cells, the header 7: a cell is missing"),
        ('2,o1,Org,Max,"Calm "and" friendly",Pudel,true', "write a quotation mark"),
    ],
)
def test_rows_with_spare_missing_or_broken_cells_are_left_out_by_line(row, reason):
    report = take(f'{HEAD}1,o1,Org,Rex,"Two\nlines",,\n{row}\n3,o1,Org,Bo,Calm,,\n')
    assert counts(report)[0] == 2
    assert (report.bad[0].line, reason in report.bad[0].reason) == (4, True), report.bad


def test_a_new_row_without_what_a_listing_needs_is_left_out(listings):
    report = import_listings(listings({}, columns=("id", "org_id", "organization", "name")))
    assert report.bad[0].reason == "it is new, and the file lacks this for it: description"


def test_of_a_repeated_id_the_last_row_counts(listings):
    report = import_listings(listings({"name": "A"}, {"id": "x0", "name": "B"}))
    assert counts(report) == (1, 0, 0, 1)
    assert "comes again in line 3" in report.bad[0].reason
    assert only().name == "B"


# Encodings


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("dogs.csv.gz", "utf-8"),
        ("dogs.csv", "utf-8-sig"),
        ("dogs.csv.gz", "utf-8-sig"),
        ("dogs.csv", "utf-16"),
        ("dogs.csv", "utf-16-le"),
        ("dogs.csv", "utf-32"),
    ],
)
def test_packed_files_and_unicode_in_any_form_are_read(listings, name, encoding):
    import_listings(listings({"description": "Äpfel für 5 €"}, name=name, encoding=encoding))
    assert only().description == "Äpfel für 5 €"


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("Schöner Hund, größer als 50 cm, 5 € für Bärbel", "cp1252 iso8859_15 mac_roman"),
        ("Très gentille chienne âgée de 3 ans à adopter, câlins", "cp1252 mac_roman cp850"),
        ("Cachorro muy cariñoso de 3 años – ¡adóptalo!", "cp1252 mac_roman"),
        ("She’s a sweet “Bichon Frisé” – 2 yrs", "cp1252 mac_roman"),
        ("Wesoły piesek szuka domu, źle znosi samotność", "cp1250 iso8859_2"),
        ("Veselá fenka má ráda dlouhé procházky, ještě štěně, kříženec", "cp1250 iso8859_2"),
        ("Çok sevimli köpek yuva arıyor, Şeker çocuklarla iyi", "cp1254"),
        ("Весёлая собака ищет дом и добрых хозяев", "cp1251 koi8_r cp866"),
        ("Χαρούμενο σκυλί ψάχνει σπίτι", "cp1253"),
        ("元気な犬です。家族を探しています。", "shift_jis"),
    ],
)
def test_older_encodings_are_recognised_by_their_letters(text, encodings):
    for encoding in encodings.split():
        Animal.objects.all().delete()
        row = f'id,org_id,name,description\n1,o1,Rex,"{text}"\n'.encode(encoding)
        assert take(row).source.encoding == encoding
        assert only().description == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1,o1,Rex,h\xe8re".encode("latin-1"), "line 2: isn't UTF-8.*cp1252 reads 'hère', cp1250"),
        ("1,o1,Rex,ä\n2,o1,Bo,".encode() + b"\xe4", "line 3: isn't UTF-8, though other lines are"),
        (b"1,o1,Rex,Rex \xed\xa0\x80", "line 2: isn't UTF-8.*--encoding"),
    ],
)
def test_an_encoding_that_is_not_sure_is_refused_with_line_and_way_out(content, said):
    with pytest.raises(BadListings, match=said) as refusal:
        take(b"id,org_id,name,description\n" + content + b"\n")
    assert refusal.value.field == "encoding"
    assert not Animal.objects.exists()


def test_an_encoding_that_a_person_names_is_used_or_refused():
    row = "id,org_id,name,description\n1,o1,Rex,hère\n"
    take(row.encode("cp1252"), encoding="cp1252")
    assert only().description == "hère"
    with pytest.raises(BadListings, match=r"line 2: is no utf-8-sig.*bytes e8"):
        take(row.encode("cp1252"), encoding="UTF8")
    for name in ("klingon", "rot13", "hex"):
        with pytest.raises(BadListings, match="is unknown"):
            take(row, encoding=name)


# Separators and quoting


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        (GOOD.replace(",", ";"), "semicolon"),
        (GOOD.replace(",", "\t"), "tab"),
        (GOOD.replace(",", "|"), "bar"),
        ("sep=;\r\n" + GOOD.replace(",", ";").replace("\n", "\r\n"), "semicolon"),
        (GOOD.replace("\n", "\r"), "comma"),
        (re.sub(r"([^,\n]+)", r"'\1'", GOOD), "comma"),
    ],
    ids=["semicolons", "tabs", "bars", "Excel's sep line", "old Mac line ends", "apostrophes"],
)
def test_separators_and_quotes_are_found_out(text, separator):
    report = take(text)
    assert (report.source.separator, counts(report)[0]) == (separator, 1)
    assert only().breed == "Pudel"


def test_backslashes_before_quotation_marks_are_read_where_the_file_escapes_so():
    take(HEAD + '1,o1,Org,Rex,"He is \\"calm\\", friendly",Pudel,\n')
    assert only().description == 'He is "calm", friendly'


def test_quoted_cells_hold_separators_quotes_and_line_ends():
    take(HEAD + '1,o1,"Org, Inc.",Rex,"Calm ""and""\nfriendly, C:\\dogs",Pudel,\n')
    row = only()
    assert row.description == 'Calm "and"\nfriendly, C:\\dogs'
    assert row.organization.name == "Org, Inc."


def test_an_unclosed_quotation_mark_is_named_with_its_line():
    with pytest.raises(
        BadListings, match=r"line 3: a quotation mark isn't closed \(lines 3 to 5\)"
    ):
        take(GOOD + '2,o1,Org,Max,"Calm,Pudel,true\n' + "3,o1,Org,Bo,Calm,,\n" * 2)


# JSON and XLSX


ROWS = [
    {"id": 7, "org_id": "o1", "name": "Rex", "description": "Süß", "fee": 0.10, "mixed": True},
    {"id": "8", "organization": {"id": "o2", "name": "Two"}, "name": "Bo", "description": None},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS, indent=1),
        json.dumps({"count": 2, "animals": ROWS}),
        "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    ],
    ids=["array", "array in an object", "lines"],
)
def test_json_is_read_with_nested_names_as_columns_with_a_dot(text):
    report = take(text)  # without a mapping the second row has no organization
    assert [row.reason for row in report.bad] == [
        "it is new, and the file lacks this for it: organization"
    ]
    row = Animal.objects.get(external_id="7")
    assert (row.description, row.fee, row.mixed) == ("Süß", "0.1", True)
    mapped = take(text, mapping={"organization.name": "organization"})
    assert counts(mapped) == (1, 0, 1, 0), mapped.bad
    assert Animal.objects.get(external_id="8").organization.name == "Two"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[{"id": "1"},\n\n 5]', 3, "it is a text or number, not an object"),
        ('{"id": "1", "id": "2"}\n{"id": "3"}', 1, "id occurs twice in the object"),
        ('{"id": "1"}\n{"id": }\n', 2, "it is no JSON"),
        ('[{"id": ["1"]}]', 1, "id holds a list, not one value"),
        ('[{"id": "1", "name": "\\ud800"}]', 1, "name holds half a character"),
    ],
)
def test_rows_of_json_are_left_out_by_line(text, line, reason):
    bad = {row.line: row.reason for row in take(text).bad}
    assert reason in bad[line], bad


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"id": "1"},\n{"id": "2"]', "line 2: is no JSON"),
        ('{"a": 1, "b": 2}x', "is no JSON"),
        ('{"name": "x",\n "a": [], "b": []}', "no object with exactly one list"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"id": NaN}]', "NaN is no JSON"),
        ('[{"id": "1"}]\n[{"id": "2"}]', "line 1: is no JSON: something follows its end"),
        ("[]", "it has no rows"),
        ('[["id"], ["1"]]', "no row can be read: it is a list, not an object"),
        ('[{"id": "1", "id": "2"}]', "no row can be read: id occurs twice"),
    ],
)
def test_documents_that_are_no_list_of_objects_are_refused(text, said):
    with pytest.raises(BadListings, match=said):
        take(text)


def sheet(rows, *, extra=()):
    """The bytes of an .xlsx file with these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for title in extra:
        book.create_sheet(title)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_a_sheet_is_read_with_its_numbers_switches_and_dates():
    posted = dt.datetime(2024, 3, 5, 10, 30)  # noqa: DTZ001 - Excel has no time zones
    head = ["id", "org_id", "name", "description", "mixed", "posted", "fee"]
    raw = sheet(
        [head, [45015803, "o1", "Rex", "Süß", True, posted, 12.5], [], [2, "o1", "Bo", "Calm"],
         [3, "o1", "Max", "Calm", None, None, None, "spare"], [4, "o1", "Kim", "#N/A"]],
        extra=["Notes"],
    )  # fmt: skip
    report = take(raw)
    assert counts(report) == (2, 0, 0, 2)
    assert [(row.line, row.reason) for row in report.bad] == [
        (5, "it has more cells than the header's 7"),
        (6, "a cell holds Excel's error #N/A"),
    ]
    row = Animal.objects.get(external_id="45015803")
    assert (row.mixed, row.fee, row.posted) == (True, "12.5", posted.replace(tzinfo=dt.UTC))
    assert "Notes" in report.notes[0]
    with pytest.raises(BadListings, match="there is no sheet 'Dogs'; it has Sheet, Notes"):
        take(raw, sheet="Dogs")


def test_a_formula_without_its_value_is_no_empty_cell():
    head = ["id", "org_id", "name", "description"]
    take(sheet([head, ["1", "o1", "Rex", "Calm"], ["2", "o1", "Bo", "Shy"]]))
    report = take(sheet([head, ["1", "o1", "Rex", '="Ca"&"lm"'], ["2", "o1", "Bo", "Bold"]]))
    assert counts(report) == (0, 1, 0, 1)
    assert (report.bad[0].line, "formula without its value" in report.bad[0].reason) == (2, True)
    texts = Animal.objects.order_by("external_id").values_list("description", flat=True)
    assert list(texts) == ["Calm", "Bold"]


# Bounds


def test_nothing_is_unpacked_beyond_the_bound():
    packed = gzip.compress(b"id,name\n" + b"0" * 50_000_000)
    with pytest.raises(BadListings, match="has more than 10 MB when unpacked"):
        take(packed, max_bytes=10 * 1024**2)
    with pytest.raises(BadListings, match="unpacks to"):
        take(sheet([["id"], ["x" * 30_000]] * 50), max_bytes=9000)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "it is empty"),
        (b"name\nRex\n", "column 'id' is missing"),
        (b"id,name,name\n", "column 'name' occurs twice"),
        (b"\x1f\x8b broken", "can't be read"),
        (b"%PDF-1.7", "this is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Excel file"),
        (b"PK\x03\x04 broken", "the .xlsx file is broken"),
        (b"\x89PNG\r\n\x1a\n", "this is a picture"),
        (b"\n<!DOCTYPE html><html>Please log in</html>", "this is a web page"),
        (b"<?xml version='1.0'?><dogs/>", "this is XML"),
        (
            gzip.compress(gzip.compress(b"id,name\n", mtime=0), mtime=0),
            "within another one: unpack it once",
        ),
    ],
)
def test_a_file_of_no_use_is_refused_in_one_line(raw, said):
    with pytest.raises(BadListings, match=said) as refusal:
        take(raw)
    assert "\n" not in str(refusal.value)


def test_rows_with_merged_cells_are_left_out_for_their_cells_are_not_empty():
    take(GOOD)
    book = Workbook()
    for row in (["id", "description"], ["1", "New"], ["2", "x"], ["3", "y"]):
        book.active.append(row)
    book.active.merge_cells("A2:B2")
    book.active.merge_cells("B3:B4")
    raw = io.BytesIO()
    book.save(raw)
    report = take(raw.getvalue())
    assert [row.line for row in report.bad] == [2, 3, 4]
    assert "merged" in report.bad[0].reason
    assert only().description == "Schöner Hund für 5 €"


def test_entities_in_an_xlsx_file_are_refused():
    raw = io.BytesIO(sheet([["id"]]))
    with zipfile.ZipFile(raw, "a") as archive:
        archive.writestr("xl/more.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>')
    with pytest.raises(BadListings, match="declares XML entities"):
        take(raw.getvalue())


# Mapping and dates


def test_columns_are_found_by_name_in_any_case_or_by_the_mapping():
    text = "ID;Org-ID;Rufname;Beschreibung;Good with cats;Notiz\n1;o1;Rex;Ruhig;ja;x\n"
    report = take(text, mapping={"Rufname": "name", "Beschreibung": "description"})
    assert (report.ignored_columns, report.source.separator) == (("Notiz",), "semicolon")
    row = only()
    assert (row.name, row.description, row.good_with_cats) == ("Rex", "Ruhig", True)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"Nam": "name"}, "no column 'Nam'; did you mean 'Name'"),
        ({"Name": "nane"}, "no field 'nane'; did you mean name"),
        ({"Name": "breed"}, "columns 'Name' and 'Rasse' would both fill breed"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(mapping, said):
    given = {"Rasse": "breed"} | mapping
    with pytest.raises(BadListings, match=said):
        take("id,Name,Rasse\n1,Rex,Pudel\n", mapping=given)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-05", (2024, 3, 5)),
        ("2024-03-05 14:30", (2024, 3, 5, 14, 30)),
        ("2024-03-05T14:30:00+0100", (2024, 3, 5, 13, 30)),
        ("2024-03-05T14:30:00.5Z", (2024, 3, 5, 14, 30, 0, 500000)),
        ("2024-03-05 14:30:00 UTC", (2024, 3, 5, 14, 30)),
        ("20240305", (2024, 3, 5)),
        ("2024/3/5", (2024, 3, 5)),
        ("5.3.2024", (2024, 3, 5)),
        ("05.03.24 14:30 Uhr", (2024, 3, 5, 14, 30)),
        ("25/03/2024", (2024, 3, 25)),
        ("03/25/2024 2:30 PM", (2024, 3, 25, 14, 30)),
        ("5 March 2024", (2024, 3, 5)),
        ("5. März 2024", (2024, 3, 5)),
        ("March 5th, 2024 at 2:30pm", (2024, 3, 5, 14, 30)),
        ("5 de marzo de 2024", (2024, 3, 5)),
        ("05-Mar-2024", (2024, 3, 5)),
        ("5-Mar-24", (2024, 3, 5)),
        ("05/Mar/2024:14:30:00 +0100", (2024, 3, 5, 13, 30)),
        ("Tue Mar  5 14:30:00 2024", (2024, 3, 5, 14, 30)),
        ("Tue, 05 Mar 2024 14:30:00 +0100", (2024, 3, 5, 13, 30)),
        ("1709649000", (2024, 3, 5, 14, 30)),
        ("1709649000.5", (2024, 3, 5, 14, 30, 0, 500000)),
        ("Tuesday, March 5, 2024", (2024, 3, 5)),
        ("Dienstag, 5. März 2024", (2024, 3, 5)),
        ("mardi 5 mars 2024 14h30", (2024, 3, 5, 14, 30)),
        ("martes, 5 de marzo de 2024", (2024, 3, 5)),
        ("Di, 05.03.2024 14.30", (2024, 3, 5, 14, 30)),
        ("Tue 03/25/2024", (2024, 3, 25)),
        ("Tue Mar 05 2024 14:30:00 GMT+0100 (Central European Time)", (2024, 3, 5, 13, 30)),
        ("2024-03-05 14:30:00 +0000 UTC", (2024, 3, 5, 14, 30)),
        ("2024-03-05T14:30:00+01:00[Europe/Berlin]", (2024, 3, 5, 13, 30)),
        ("25/03/2024 2:30:00 p. m.", (2024, 3, 25, 14, 30)),
        ("20240305T143000+0100", (2024, 3, 5, 13, 30)),
    ],
)
def test_dates_are_read_in_common_forms(text: str, moment: Any) -> None:
    report = take(f'id,org_id,name,description,posted\n1,o1,Rex,Calm,"{text}"\n')
    assert not report.bad, report.bad
    posted = only().posted
    assert posted == dt.datetime.combine(dt.date(*moment[:3]), dt.time(*moment[3:]), dt.UTC)


@pytest.mark.parametrize("cell", ["0000-00-00", "0000-00-00 00:00:00", "NULL", "n/a"])
def test_a_cell_that_says_there_is_no_date_costs_no_row(cell):
    report = take(f"id,org_id,name,description,posted\n1,o1,Rex,Calm,{cell}\n")
    assert not report.bad, report.bad
    assert only().posted is None


def test_the_order_of_day_and_month_is_told_by_the_other_rows_or_by_the_option():
    head = "id,org_id,name,description,posted\n"
    take(head + "1,o1,Rex,Calm,03/04/2024\n2,o1,Bo,Calm,03/25/2024\n")
    assert Animal.objects.get(external_id="1").posted.month == 3
    take(head + "1,o1,Rex,Calm,03/04/2024\n", order="dmy")
    assert Animal.objects.get(external_id="1").posted.month == 4
    both = take(head + "1,o1,Rex,Calm,03/04/2024\n2,o1,B,C,03/25/2024\n3,o1,B,C,25/03/2024\n")
    assert [row.line for row in both.bad] == [2]


# Command


def test_a_dry_run_tells_everything_and_writes_nothing(listings, capsys):
    import_listings(listings({}, {}))
    path = listings({}, {"description": "New words."}, {}, {"name": ""})
    with pytest.raises(CommandError, match=r"^1 row left out\.$"):
        call_command("import_listings", str(path), "--dry-run")
    out = capsys.readouterr().out
    assert "1 listing would be added, 1 would be updated, 1 unchanged, 1 left out" in out
    assert "~ x1 (line 3): description '' → 'New words.'" in out
    assert "+ x2 (line 4)" in out
    assert (Animal.objects.count(), Animal.objects.filter(description="").count()) == (2, 2)


def test_the_command_reports_and_ends_with_3_when_rows_were_left_out(listings, capsys):
    with pytest.raises(CommandError) as ended:
        call_command("import_listings", str(listings({}, {"name": ""})), "--json")
    assert ended.value.returncode == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["bad"][0]["reason"]) == (1, "name is empty")
    with pytest.raises(CommandError):
        call_command("import_listings", str(listings({}, {"name": ""})))
    assert "line 3: name is empty" in capsys.readouterr().out


def test_the_command_takes_mapping_separator_and_progress(tmp_path, capsys):
    path: Path = tmp_path / "dogs.txt"
    path.write_text("Nr#org_id#Rufname#description\n1#o1#Rex#Calm\n")
    call_command(
        "import_listings", str(path), "-m", "Nr=id", "--map", "Rufname=name", "--separator", "#"
    )
    told = capsys.readouterr()
    assert "1 listing added" in told.out
    assert "1/1" in told.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--map", "x"), "isn't COLUMN=FIELD"),
        (("--separator", "ab"), "separator 'ab' isn't one character"),
        (("--dates", "ymd"), "neither dmy nor mdy"),
        (("--limit", "0"), "--limit: 0 is below 1"),
        (("--max-size", "0"), "--max-size: 0 is below 1"),
    ],
)
def test_a_bad_flag_is_refused_by_name(listings, flags, said):
    with pytest.raises(CommandError, match=said):
        call_command("import_listings", str(listings({})), *flags)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_listings", str(tmp_path / "none.csv"))


def test_a_limit_takes_the_first_rows(listings):
    assert counts(import_listings(listings({}, {}, {}), limit=2))[0] == 2


def test_the_shipped_listings_go_in_whole():
    path = settings.BASE_DIR / "fixtures" / "dogs.csv.gz"
    assert counts(import_listings(path)) == (3000, 0, 0, 0)
    assert counts(import_listings(path)) == (0, 0, 3000, 0)
    assert Organization.objects.exists()


def test_a_clean_import_in_the_browser_is_confirmed_on_the_page_that_it_leads_to(admin_client):
    file = SimpleUploadedFile("dogs.csv", GOOD.encode())
    answer = admin_client.post(
        reverse("admin:listings_import"),
        {"file": file, "do": "import"},
        headers={"X-Fragment": "1"},  # as the page's script asks
    )
    assert Animal.objects.count() == 1
    assert "1 listings added" in admin_client.get(answer["X-Location"]).content.decode()
