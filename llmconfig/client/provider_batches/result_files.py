"""Results are fetched onto the disk, and read from there line by line: memory stays as it was."""

import tempfile
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import BinaryIO, Final

from yarl import URL

from llmconfig.client.http import transport
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.provider_batches import Result, SubmissionFailed, result_lines
from llmconfig.client.provider_batches.vendor_answers import failure_of

# OpenAI's bound for a batch's file; Anthropic's, for the requests, is 256 MB.
MAX_BYTES: Final = 200 * 1024 * 1024
MAX_LINE_BYTES: Final = transport.MAX_BYTES  # as of a live reply
MAX_TOGETHER: Final = 50
MAX_REFUSAL_BYTES: Final = 64 * 1024
SECONDS: Final = 120.0  # without a byte
UNPACK_BYTES: Final = 256 * 1024


class ResultFile:
    """A batch's results in a file of this process that has no name; close it when it is read."""

    def __init__(self, provider_type: str) -> None:
        self.file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.cut = False
        self._provider_type = provider_type

    def __iter__(self) -> Iterator[Result]:
        """Each line's result, in the file's order; blank lines are none."""
        self.file.seek(0)
        while line := self.file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                self._skip_line()
                found = result_lines.too_long(line, MAX_LINE_BYTES)
            elif not line.strip():
                continue
            else:
                found = result_lines.read(self._provider_type, line)
            yield found

    def slices(self) -> Iterator[list[Result]]:
        """The same, some at a time: as many as may be in memory together."""
        together: list[Result] = []
        begins = 0
        for result in self:
            together.append(result)
            if len(together) >= MAX_TOGETHER or self.file.tell() - begins >= MAX_LINE_BYTES:
                yield together
                together, begins = [], self.file.tell()
        if together:
            yield together

    def _skip_line(self) -> None:
        while (rest := self.file.readline(UNPACK_BYTES)) and not rest.endswith(b"\n"):
            pass

    def close(self) -> None:
        self.file.close()


async def save(endpoint: ProviderEndpoint, url: URL, into: BinaryIO) -> bool:
    """Append a vendor's file to `into`, up to MAX_BYTES of it; tells whether there was more.

    Raises SubmissionFailed, also when the transfer breaks off: then it is to be fetched again.
    """
    size, cut, last = 0, False, b"\n"
    async with aclosing(_pieces(endpoint, url)) as pieces:
        async for piece in pieces:
            kept = piece[: MAX_BYTES - size]
            into.write(kept)
            size += len(kept)
            last = kept[-1:] or last
            cut = len(kept) < len(piece)
            if cut:
                break
    if last != b"\n":
        into.write(b"\n")  # another file may follow
    return cut


async def first_line(endpoint: ProviderEndpoint, url: URL) -> bytes:
    """A vendor's file up to its first line break; raises SubmissionFailed."""
    line = b""
    async with aclosing(_pieces(endpoint, url)) as pieces:
        async for piece in pieces:
            line += piece
            if b"\n" in piece or len(line) > MAX_LINE_BYTES:
                break
    return line.partition(b"\n")[0]


async def _pieces(endpoint: ProviderEndpoint, url: URL) -> AsyncGenerator[bytes]:
    if url.origin() != endpoint.url.origin():
        raise SubmissionFailed(f"{url.host} is not this provider's host.", refused=False)
    try:
        async with transport.open_download(
            url, headers=endpoint.headers, timeout_s=SECONDS, private=endpoint.private
        ) as opened:
            if opened.status != 200:
                said = await _refusal(opened)
                raise failure_of(opened.status, endpoint.scrubber.clean(said))
            if "text/html" in opened.headers.get("Content-Type", "").lower():
                raise SubmissionFailed("It sent a web page in place of results.", refused=False)
            packed = opened.headers.get("Content-Encoding", "identity").lower()
            plain = packed in {"identity", ""}
            pieces = opened.pieces(2 * MAX_BYTES)  # `save` stops before
            async for piece in pieces if plain else _unpacked(pieces):
                yield piece
    except transport.RequestFailed as failure:
        raise SubmissionFailed(failure.detail, refused=False) from None


async def _refusal(opened: transport.Opened) -> str:
    """A status with the beginning of what was said."""
    said = b""
    async for piece in opened.pieces(MAX_REFUSAL_BYTES):
        said += piece
    return f"{opened.status}: {said[:300].decode('utf-8', 'replace')}"


async def _unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Vendors are asked for plain files; gzip and deflate are read all the same, in small steps."""
    unpack = zlib.decompressobj(transport.ANY_WINDOW)
    try:
        async for piece in pieces:
            rest = piece
            while rest:
                yield unpack.decompress(rest, UNPACK_BYTES)
                rest = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error:
        raise SubmissionFailed("The file's packing is damaged.", refused=False) from None
