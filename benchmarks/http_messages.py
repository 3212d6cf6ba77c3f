"""Where a message of HTTP/1.1 ends: all that the load and its provider read of one."""

import re

HEAD_ENDS = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def ends_at(received: bytes) -> int:
    """Where the message ends with which these bytes begin; 0 as long as some of it is missing.

    A body in chunks ends where the bytes do: nobody here sends the next message before the answer.
    """
    head = received.find(HEAD_ENDS)
    if head < 0:
        return 0
    body = head + len(HEAD_ENDS)
    found = _length.search(received, 0, head)
    if found:
        end = body + int(found[1])
        return end if len(received) >= end else 0
    if b"chunked" in received[:head].lower():
        return len(received) if received.endswith(LAST_CHUNK) else 0
    return body
