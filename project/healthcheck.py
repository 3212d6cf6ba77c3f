"""The container's health check: exit 0 if /healthz answers 200. Runs alone, without Django."""

import http.client
import os
import sys

PORT = 8000
TIMEOUT_SECONDS = 4.0


def host_header(allowed: str) -> str:
    """A name that Django accepts, out of DJANGO_ALLOWED_HOSTS (`.example.com` is a wildcard)."""
    return allowed.split(",", 1)[0].strip().lstrip("*.") or "localhost"


def is_healthy(port: int = PORT) -> bool:
    """Whether the server in this container answers."""
    headers = {"Host": host_header(os.environ.get("DJANGO_ALLOWED_HOSTS", ""))}
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy())
