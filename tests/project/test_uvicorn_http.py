"""Our shorter way of uvicorn's HTTP: the same bytes as uvicorn's own, for whatever is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from nodewise.uvicorn_http import Connection, connection_for
from tests.measuring import function_calls

GET = b"GET /a%20b?c=d HTTP/1.1\r\nhost: x\r\n"
POST = b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
LONG = b"GET /" + b"x" * 200 + b" HTTP/1.1\r\nhost: x\r\n\r\n"


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(part: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": part, "more_body": more}


def length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % size


PLAIN = (start((b"Content-Type", b"text/plain"), length(3)), body(b"abc"))
# What comes, and what the application says to each request.
CASES: dict[str, tuple[tuple[bytes, ...], tuple[dict[str, Any], ...]]] = {
    "a question": ((GET + b"\r\n",), PLAIN),
    "a body": ((POST + b"\r\nabc",), PLAIN),
    "a body in pieces": ((POST + b"\r\na", b"bc"), PLAIN),
    "a large body": (
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n",
            b"a" * 80_000,
            b"b" * 10_000,
        ),
        PLAIN,
    ),
    "one after the other": ((GET + b"\r\n", POST + b"\r\nabc"), PLAIN),
    "two at once": ((GET + b"\r\n" + POST + b"\r\nabc",), PLAIN),
    "a long address": ((LONG,), PLAIN),
    "through a proxy": (
        (GET + b"x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: https\r\n\r\n",),
        PLAIN,
    ),
    "the last one": ((GET + b"connection: close\r\n\r\n",), PLAIN),
    "HTTP/1.0": ((b"GET / HTTP/1.0\r\n\r\n",), PLAIN),
    "the head alone": ((b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n",), PLAIN),
    "another protocol": ((GET + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n",), PLAIN),
    "waits to be told to go on": ((POST + b"expect: 100-continue\r\n\r\n", b"abc"), PLAIN),
    "no HTTP": ((b"Ho ho ho\r\n\r\n",), PLAIN),
    "without a length": ((GET + b"\r\n",), (start(), body(b"abc"))),
    "in parts": (
        (GET + b"\r\n",),
        (start(), body(b"ab", more=True), body(b"", more=True), body(b"c")),
    ),
    "in parts, the first one empty": (
        (GET + b"\r\n",),
        (start(), body(b"", more=True), body(b"c")),
    ),
    "in parts of a length": (
        (GET + b"\r\n",),
        (start(length(3)), body(b"ab", more=True), body(b"c")),
    ),
    "chunked by its word": (
        (GET + b"\r\n",),
        (start((b"transfer-encoding", b"chunked")), body(b"abc")),
    ),
    "closed by its word": ((GET + b"\r\n",), (start((b"connection", b"close")), body(b"abc"))),
    "nothing": ((GET + b"\r\n",), (start(status=204), body(b""))),
    "unchanged": ((GET + b"\r\n",), (start(length(0), status=304), body(b""))),
    "an unknown status": ((GET + b"\r\n",), (start(length(0), status=299), body(b""))),
    "a tab in a value": ((GET + b"\r\n",), (start((b"x-a", b"b\tc"), length(0)), body(b""))),
    "a line in a value": ((GET + b"\r\n",), (start((b"x-a", b"b\r\nc: d"), length(0)), body(b""))),
    "a line in a name": ((GET + b"\r\n",), (start((b"x\na", b"b"), length(0)), body(b""))),
    "longer than it said": ((GET + b"\r\n",), (start(length(2)), body(b"abc"))),
    "shorter than it said": ((GET + b"\r\n",), (start(length(4)), body(b"abc"))),
    "no beginning": ((GET + b"\r\n",), (body(b"abc"),)),
    "nothing said": ((GET + b"\r\n",), ()),
    "more than the end": ((GET + b"\r\n",), (*PLAIN, body(b"d"))),
}
# Where uvicorn leaves a client without an answer, or with half a head.
BETTER = {"a beginning alone": (start(length(3)),), "begun twice": (start(), start())}


class Client(asyncio.Transport):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[bytes] = []
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 9)}.get(name, default)

    def write(self, data: Any) -> None:
        if not self.closed and data:
            self.got.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def served(kind: type[HttpToolsProtocol], app: Any, **options: Any) -> tuple[Client, Any]:
    """A client's connection; inside a loop."""
    config = Config(app, http=kind, access_log=False, lifespan="off", **options)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today"), (b"Server", b"uvicorn")]
    protocol = kind(config, state, {}, asyncio.get_running_loop())
    client = Client()
    protocol.connection_made(client)
    return client, protocol


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def said(kind: type[HttpToolsProtocol], name: str) -> tuple[Any, ...]:
    """All that a case comes to."""
    came, answers = CASES.get(name) or ((GET + b"\r\n",), BETTER[name])
    asked: list[Any] = []

    async def app(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        asked.append({each: scope[each] for each in sorted(scope)})
        while (message := await receive()).get("more_body"):
            asked.append(message)
        asked.append(message)
        for each in answers:
            await send(each)

    async def talk() -> tuple[Any, ...]:
        client, protocol = served(kind, app)
        for part in came:
            protocol.data_received(part)
            await settled()
        return b"".join(client.got), client.closed, asked, protocol.tasks

    return asyncio.run(talk())


@pytest.mark.parametrize("name", CASES)
def test_both_ways_send_the_same(name: str) -> None:
    assert said(Connection, name) == said(HttpToolsProtocol, name)


@pytest.mark.parametrize("name", BETTER)
def test_what_got_no_further_than_its_head_is_a_failure(name: str) -> None:
    whole, *_ = said(Connection, name)
    assert whole.startswith(b"HTTP/1.1 500")
    assert whole.count(b"HTTP/1.1") == 1


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    for each in PLAIN:
        await send(each)


def test_a_small_answer_is_one_piece() -> None:
    async def pieces() -> int:
        client, protocol = served(Connection, answer)
        protocol.data_received(GET + b"\r\n")
        await settled()
        return len(client.got)

    assert asyncio.run(pieces()) == 1


def test_it_is_the_shorter_way() -> None:
    async def one(protocol: Any) -> None:
        protocol.data_received(GET + b"\r\n")
        await settled()

    async def begun(kind: type[HttpToolsProtocol]) -> Any:
        _, protocol = served(kind, answer)
        await one(protocol)
        return protocol

    with asyncio.Runner() as runner:

        def calls(kind: type[HttpToolsProtocol]) -> int:
            protocol = runner.run(begun(kind))
            return function_calls(lambda: runner.run(one(protocol)))

        assert calls(Connection) < calls(HttpToolsProtocol) - 10


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time goes on when it is told."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def go_on(self, seconds: float) -> None:
        self.now += seconds
        await settled()


def test_an_unused_connection_is_closed_and_a_used_one_is_not() -> None:
    async def closed() -> list[bool]:
        loop: Any = asyncio.get_running_loop()
        used, protocol = served(Connection, answer, timeout_keep_alive=5)
        silent, other = served(Connection, answer, timeout_keep_alive=5)
        for each in (other, protocol):
            each.data_received(GET + b"\r\n")
            await settled()
        await loop.go_on(3)
        protocol.data_received(GET + b"\r\n")
        await settled()
        await loop.go_on(3)
        found = [silent.closed, used.closed]
        await loop.go_on(3)
        return [*found, used.closed]

    with asyncio.Runner(loop_factory=Clock) as runner:
        assert runner.run(closed()) == [True, False, True]


def test_a_release_of_uvicorn_that_is_built_otherwise_serves_on_its_own_way(caplog: Any) -> None:
    class Another:
        def __init__(self, scope: Any, transport: Any, task_group: Any) -> None:
            """With other arguments."""

    assert connection_for(RequestResponseCycle) is Connection is not HttpToolsProtocol
    assert connection_for(Another) is HttpToolsProtocol
    assert "isn't known" in caplog.text
