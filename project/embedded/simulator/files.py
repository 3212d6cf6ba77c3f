"""Uploaded and produced files, kept in memory: OpenAI's Files API."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from project.embedded.simulator.errors import SimulatedRefusal
from project.embedded.simulator.wire import JsonObject, Request

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_NAME = re.compile(r'[; ]name="([^"]*)"')
_FILENAME = re.compile(r'filename="([^"]*)"')


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded or produced file with its content."""

    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int

    def body(self) -> JsonObject:
        """The file as the API describes it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "expires_at": None,
        }


@dataclass(slots=True)
class Files:
    """All files of the simulated provider, by id."""

    stored: dict[str, StoredFile] = field(default_factory=dict)
    kept: int = 0

    def keep(self, *, filename: str, purpose: str, content: bytes) -> StoredFile:
        """Store this content under a new id."""
        self.kept += 1
        file_id = f"file-sim{self.kept:012d}"
        file = StoredFile(file_id, filename, purpose, content, int(time.time()))
        self.stored[file.id] = file
        return file

    def find(self, file_id: str) -> StoredFile:
        """The file of this id; refuses with 404."""
        file = self.stored.get(file_id)
        if file is None:
            raise SimulatedRefusal(404, f"No such File object: {file_id}", param="id")
        return file

    def delete(self, file_id: str) -> None:
        """Forget the file of this id; refuses with 404."""
        del self.stored[self.find(file_id).id]

    def upload(self, request: Request) -> StoredFile:
        """Store what a multipart upload holds."""
        parts = form_parts(request)
        if "file" not in parts or "purpose" not in parts:
            raise SimulatedRefusal(
                400, "'file' and 'purpose' are required form fields", param="file"
            )
        filename, content = parts["file"]
        purpose = parts["purpose"][1].decode("utf-8", "replace").strip()
        return self.keep(filename=filename or "upload.jsonl", purpose=purpose, content=content)


def form_parts(request: Request) -> dict[str, tuple[str, bytes]]:
    """The fields of a multipart form: name to filename and content."""
    boundary = _BOUNDARY.search(request.header(b"content-type"))
    if boundary is None:
        raise SimulatedRefusal(400, "The body must be multipart/form-data.")
    parts: dict[str, tuple[str, bytes]] = {}
    separator = b"\r\n--" + boundary[1].encode("latin-1")
    for piece in (b"\r\n" + request.body).split(separator)[1:]:
        head, found, content = piece.partition(b"\r\n\r\n")
        described = head.decode("utf-8", "replace")
        name, filename = _NAME.search(described), _FILENAME.search(described)
        if found and name:
            parts[name[1]] = (filename[1] if filename else "", content)
    return parts
