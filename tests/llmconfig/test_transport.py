"""The guarded way out beside servers that answer in every way: what is read, refused and kept."""

import asyncio
import datetime as dt
import gzip
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from llmconfig.client.http import connections, transport
from llmconfig.client.http.transport import RequestFailed

HEADERS = {"Content-Type": "application/json"}
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


@dataclass
class Server:
    """A server that answers each request with the next of its replies, piece by piece."""

    replies: list[list[bytes]]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    pause_s: float = 0.0
    hangs_up: bool = False
    port: int = 0

    @property
    def url(self) -> URL:
        return URL(f"http://127.0.0.1:{self.port}/v1/chat?x=1")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                for piece in self.replies.pop(0) if self.replies else []:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(self.pause_s)
                if self.hangs_up:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(*replies: bytes | list[bytes], **more: object) -> AsyncIterator[Server]:
    server = Server([[each] if isinstance(each, bytes) else each for each in replies])
    for name, value in more.items():
        setattr(server, name, value)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        await transport.aclose()
        listening.close()


async def post(server: Server, body: bytes = b"{}", timeout_s: float = 5.0) -> transport.Response:
    return await transport.post(
        server.url, headers=HEADERS, body=body, timeout_s=timeout_s, private=True
    )


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailer + b"\r\n"


PACKED = gzip.compress(b"hello")
READ = {
    "plain": [HELLO],
    "byte by byte": [HELLO[at : at + 1] for at in range(len(HELLO))],
    "chunked": [chunked(b"he", b"llo")],
    "chunked, cut in the middle of its sizes": [
        chunked(b"he", b"llo")[:50], chunked(b"he", b"llo")[50:]
    ],
    "chunked, with a trailer that isn't believed": [
        chunked(b"hello", trailer=b"Content-Encoding: br\r\n")
    ],
    "after an interim reply": [b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO],
    "after early hints": [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", HELLO],
    "packed although nobody asked": [
        OK + b"Content-Encoding: GZIP\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED
    ],
    "of HTTP/1.0": [b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
    "with a header twice": [OK + b"X: a\r\nX: b\r\nContent-Length: 5\r\n\r\nhello"],
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_replies_are_read_in_every_framing(name):
    async def scenario():
        async with serving(READ[name]) as server:
            reply = await post(server)
            assert (reply.status, reply.body) == (200, b"hello")
            assert reply.headers.get("x", "a, b") == "a, b"

    run(scenario)


def test_a_body_without_a_length_ends_with_its_connection():
    async def scenario():
        async with serving([OK + b"\r\nhel", b"lo"], HELLO, hangs_up=True) as server:
            assert (await post(server)).body == b"hello"
            assert (await post(server)).body == b"hello"
            assert server.connections == 2

    run(scenario)


REFUSED = {
    "no HTTP at all": (b"SSH-2.0-OpenSSH_9.6\r\n", "bad_reply", "not HTTP"),
    "an upgrade nobody asked for": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        "bad_reply", "not HTTP",
    ),
    "a length and chunks": (
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "bad_reply", "not HTTP",
    ),
    "two lengths": (
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "bad_reply", "not HTTP"
    ),
    "a length that is no number": (
        OK + b"Content-Length: five\r\n\r\nhello", "bad_reply", "not HTTP"
    ),
    "a coding beside chunks": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "bad_reply", "not HTTP"
    ),
    "a packing nobody knows": (
        OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "bad_reply", "packed as 'br'"
    ),
    "a head without an end": (
        OK + b"X: " + b"x" * connections.MAX_HEAD_BYTES, "reply_too_large", "over"
    ),
    "a length over the limit": (
        OK + b"Content-Length: 99999999999\r\n\r\n", "reply_too_large", "over 16 MB"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_proper_reply_is_refused_in_words(name):
    sent, code, says = REFUSED[name]

    async def scenario():
        async with serving([sent]) as server:
            with pytest.raises(RequestFailed, match=says) as raised:
                await post(server)
            assert raised.value.code == code
            server.replies.append([HELLO])
            assert (await post(server)).body == b"hello"
            # What can't be understood ends its connection; a packing is understood as far as that.
            assert server.connections == (1 if "packed" in says else 2)

    run(scenario)


def test_a_body_that_grows_over_the_limit_is_given_up():
    async def scenario():
        endless = chunked(*[b"x" * 65_536] * 40)
        async with serving([endless]) as server:
            with pytest.raises(RequestFailed, match="over 1 MB"):
                await transport.get(
                    server.url, headers={}, timeout_s=5, private=True, most_bytes=1024 * 1024
                )

    run(scenario)


CUT = {
    "before a reply": ([], "connection", "hung up"),
    "in the head": ([OK + b"Content-"], "connection", "hung up"),
    "in a body of known length": ([OK + b"Content-Length: 9\r\n\r\nhello"], "bad_reply", "cut off"),
    "in a chunk": ([chunked(b"hello")[:-8]], "bad_reply", "cut off"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_connection_that_ends_too_early_is_told_by_where(name):
    sent, code, says = CUT[name]

    async def scenario():
        async with serving(sent, hangs_up=True) as server:
            with pytest.raises(RequestFailed, match=says) as raised:
                await post(server)
            assert (raised.value.code, raised.value.transient) == (code, True)
            assert len(server.requests) == 1  # nothing is sent twice

    run(scenario)


def test_a_connection_serves_one_call_after_the_other():
    async def scenario():
        async with serving(*[HELLO] * 5, chunked(b"hello"), HELLO) as server:
            for _ in range(7):
                assert (await post(server, b'{"a":1}')).body == b"hello"
            assert server.connections == 1
            assert server.requests[0].startswith(b"POST /v1/chat?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
            assert server.requests[0].endswith(b'Content-Length: 7\r\n\r\n{"a":1}')

    run(scenario)


NOT_KEPT = {
    "it says so": OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello",
    "there is a second reply that nobody asked for": HELLO + OK + b"Content-Length: 4\r\n\r\nevil",
    "more than its length has come": HELLO + b"HTTP",
}


@pytest.mark.parametrize("name", NOT_KEPT)
def test_a_connection_is_not_used_again_where(name):
    async def scenario():
        async with serving(NOT_KEPT[name], HELLO) as server:
            assert (await post(server)).body == b"hello"
            assert (await post(server)).body == b"hello"
            assert server.connections == 2

    run(scenario)


def test_what_comes_unasked_on_an_unused_connection_closes_it():
    async def scenario():
        async with serving([HELLO, OK + b"Content-Length: 4\r\n\r\nevil"], HELLO) as server:
            server.pause_s = 0.05
            assert (await post(server)).body == b"hello"
            await asyncio.sleep(0.15)
            assert (await post(server)).body == b"hello"
            assert server.connections == 2

    run(scenario)


def test_time_is_bounded_and_leaves_nothing_open():
    async def scenario():
        async with serving([OK, b"Content-Length: 5\r\n\r\n", b"he", b"llo"]) as server:
            server.pause_s = 0.2
            with pytest.raises(RequestFailed, match=r"no whole reply within 0\.3 s"):
                await post(server, timeout_s=0.3)
            task = asyncio.create_task(post(server))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.01)
            (held,) = transport._open_pools.get().pools.values()  # what is left open
            assert not held.open

    run(scenario)


def test_where_nobody_listens_is_told_apart_from_silence():
    async def scenario():
        async with serving() as server:
            pass
        with pytest.raises(RequestFailed) as raised:
            await post(server)
        assert (raised.value.code, raised.value.unreached) == ("connection", True)

    run(scenario)


def test_no_more_connections_than_the_limit_are_opened(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)

    async def scenario():
        async with serving(*[[HELLO[:20], HELLO[20:]]] * 12) as server:
            server.pause_s = 0.01
            replies = await asyncio.gather(*(post(server) for _ in range(12)))
            assert {each.body for each in replies} == {b"hello"}
            assert server.connections == 3

    run(scenario)


def test_unused_connections_are_closed_in_time(monkeypatch):
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)

    async def scenario():
        async with serving(HELLO, HELLO) as server:
            await post(server)
            await asyncio.sleep(0.3)
            await post(server)
            assert server.connections == 2

    run(scenario)


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nY: b"}, {"X: y": "a"}, {"X": "\N{SNOWMAN}"}, {"X": "a\x00"}]
)
def test_a_header_that_would_forge_another_is_not_sent(headers):
    async def scenario():
        async with serving(HELLO) as server:
            with pytest.raises(RequestFailed):
                await transport.get(server.url, headers=headers, timeout_s=5, private=True)
            assert not server.connections

    run(scenario)


# TLS


def certificate_for_localhost(folder: Path) -> Path:
    """A new key and a certificate for localhost that it signed itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    file = folder / "localhost.pem"
    file.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(encoding)
    )
    return file


def test_tls_is_spoken_with_whom_the_certificate_names(tmp_path, monkeypatch):
    file = certificate_for_localhost(tmp_path)
    accepting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    accepting.load_cert_chain(file)
    server = Server([[HELLO], [HELLO]])

    async def asked(host: str) -> bytes:
        url = URL(f"https://{host}:{server.port}/")
        reply = await transport.get(url, headers={}, timeout_s=5, private=True)
        return reply.body

    async def scenario():
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=accepting)
        server.port = listening.sockets[0].getsockname()[1]
        with pytest.raises(RequestFailed, match="TLS failed"):  # signed by nobody
            await asked("localhost")
        monkeypatch.setattr(
            connections, "tls_context", lambda: ssl.create_default_context(cafile=str(file))
        )
        with pytest.raises(RequestFailed, match="TLS failed"):  # of another name
            await asked("127.0.0.1")
        assert not server.requests
        assert await asked("localhost") == b"hello"
        await transport.aclose()
        listening.close()

    run(scenario)


# Streams


@asynccontextmanager
async def opened(server: Server, timeout_s: float = 5.0) -> AsyncIterator[transport.Opened]:
    stream = transport.open_stream(
        server.url, headers=HEADERS, body=b"{}", timeout_s=timeout_s, private=True
    )
    async with stream as reply:
        yield reply


async def all_of(server: Server, max_bytes: int = transport.MAX_BYTES) -> bytes:
    async with opened(server) as reply:
        return b"".join([each async for each in reply.pieces(max_bytes)])


EVENTS = (
    OK + b"Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def test_a_stream_comes_piece_by_piece_and_gives_its_connection_back():
    async def scenario():
        pieces = [EVENTS, *(b"5\r\ndata%d\r\n" % n for n in range(3)), b"0\r\n\r\n"]
        async with serving(pieces, HELLO) as server:
            server.pause_s = 0.02
            async with opened(server) as reply:
                assert reply.streams
                assert [each async for each in reply.pieces()] == [b"data0", b"data1", b"data2"]
            server.pause_s = 0
            assert (await post(server)).body == b"hello"
            assert server.connections == 1

    run(scenario)


def test_leaving_a_stream_hangs_up():
    async def scenario():
        async with serving([EVENTS, b"5\r\nhello\r\n"], HELLO) as server:
            async with opened(server) as reply:
                async for piece in reply.pieces():
                    assert piece == b"hello"
                    break
            assert (await post(server)).body == b"hello"
            assert server.connections == 2

    run(scenario)


def test_a_reader_that_is_slow_holds_the_server_back():
    async def scenario():
        size = 40 * 1024 * 1024
        big = b"x" * 1024 * 1024
        head = OK + b"Content-Length: %d\r\n\r\n" % size
        async with serving([head, *[big] * 40]) as server, opened(server) as reply:
            await asyncio.sleep(0.2)
            assert reply.reply.size < 4 * 1024 * 1024
            found = 0
            async for piece in reply.pieces(max_bytes=size):
                found += len(piece)
            assert found == size

    run(scenario)


def test_a_stream_that_falls_silent_or_breaks_off_says_so():
    async def scenario():
        async with serving([EVENTS, b"5\r\nhello\r\n"]) as server, opened(server) as reply:
            with pytest.raises(RequestFailed, match=r"nothing more came of the stream for 0\.1 s"):
                async for _ in reply.pieces(silence_s=0.1):
                    pass
        async with serving([EVENTS, b"5\r\nhello\r\n"], hangs_up=True) as server:
            with pytest.raises(RequestFailed, match="cut off"):
                await all_of(server)

    run(scenario)


def test_a_stream_over_its_limit_is_given_up():
    async def scenario():
        async with serving([EVENTS, *[b"5\r\nhello\r\n"] * 9]) as server:
            with pytest.raises(RequestFailed, match="over 20 bytes"):
                await all_of(server, max_bytes=20)

    run(scenario)
