"""The provider of the endpoint's benchmark: one answer, ready to be sent, to whatever is asked.

`python -m benchmarks.gateway_provider` says where it listens. The simulator reads each request, as
a provider must; this one costs a third of it, so that it caps nobody. `POST /_control` with
`{"latency_ms": 200}` has it wait before each answer.
"""

import asyncio
import json

import uvloop

from benchmarks.http_messages import HEAD_ENDS, ends_at
from benchmarks.provider import MODEL

CONTROL = b"POST /_control"
ANSWER = {
    "id": "chatcmpl-7d1f5a",
    "object": "chat.completion",
    "created": 1767225600,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "A calm dog who likes long walks and short evenings.",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 78,
        "completion_tokens": 14,
        "total_tokens": 92,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    },
    "system_fingerprint": "fp_7d1f5a",
}


def _reply(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\ncontent-type: application/json" % len(body)
    return head + b"\r\nx-request-id: req_7d1f5a" + HEAD_ENDS + body


REPLY, DONE = _reply(json.dumps(ANSWER).encode()), _reply(b"{}")


class OneAnswer(asyncio.Protocol):
    """A caller, who waits for each answer before asking again."""

    latency_s = 0.0  # of all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP's has both ways
        self._came = b""

    def data_received(self, data: bytes) -> None:
        came = self._came + data if self._came else data
        if not ends_at(came):
            self._came = came
            return
        self._came = b""
        if came.startswith(CONTROL):
            asked = json.loads(came.partition(HEAD_ENDS)[2])
            OneAnswer.latency_s = asked["latency_ms"] / 1000
            self._transport.write(DONE)
        elif self.latency_s:
            asyncio.get_running_loop().call_later(self.latency_s, self._transport.write, REPLY)
        else:
            self._transport.write(REPLY)


async def main() -> None:
    """Answer on a free port of loopback, for ever."""
    server = await asyncio.get_running_loop().create_server(OneAnswer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening on http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
