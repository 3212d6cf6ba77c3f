"""What each operation of the APIs does, in words, and which errors it may give.

Each app describes its operations in one table, `operations.py` beside its views.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter
from msgspec import Struct
from rest_framework import serializers

from llmconfig.roles import Role

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you read. If somebody has changed it since: 412, and nothing of"
    " yours is written. Without this header the last one to write wins.",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="The newest revision that changed this, to be sent back as If-Match.",
)


class Operation(Struct, frozen=True):
    """One operation in words: `summary` in the imperative, `text` in whole sentences."""

    summary: str
    text: str
    public: bool = False  # anybody may call it


View = TypeVar("View", bound=Callable[..., Any])
# By method and path, such as "GET /api/v1/llm/budgets".
_operations: dict[str, Operation] = {}
# Methods of views, and what `extend_schema` has to say of each.
_noted: list[tuple[Callable[..., Any], dict[str, Any]]] = []
# What each error means, unless an operation's own text says more.
ERRORS: Mapping[str, str] = {
    "400": "a parameter or field is wrong; `field` names it",
    "404": "there is no such row",
    "406": "the answer can't be given in the form that is asked for",
    "409": "its present state, or something that needs it, rules this out; the message says what",
    "412": "somebody has changed it since the version in `If-Match`; nothing was written",
    "413": "the body is too large",
    "415": "the body is not JSON",
    "502": "no model could answer",
    "503": "calls are switched off, or what answers them can't be reached; try again later",
}
PERMISSIONS: Mapping[Role, str] = {
    Role.VIEWER: "Viewers, operators and administrators may call it.",
    Role.OPERATOR: "Operators and administrators may call it.",
    Role.ADMINISTRATOR: "Administrators may call it.",
}


def describe(operations: Mapping[str, Operation]) -> None:
    """Add an app's operations by method and path; for the module of its addresses."""
    _operations.update(operations)


def described() -> Mapping[str, Operation]:
    """All operations that an app has described, by method and path."""
    return _operations


class ErrorSerializer(serializers.Serializer[Any]):
    """An error's code, its message and the field that it concerns."""

    code = serializers.CharField(help_text="Stable; made for programs.")
    message = serializers.CharField(help_text="One line for people.")
    field = serializers.CharField(
        allow_null=True, help_text="The part of the request at fault, null if none is."
    )


class ErrorBodySerializer(serializers.Serializer[Any]):
    """The body of every error below /api/v1/llm."""

    error = ErrorSerializer()


def extend_schema(**told: Any) -> Callable[[View], View]:
    """drf-spectacular's decorator of a view's method; it comes with the document's first reader."""

    def note(method: View) -> View:
        _noted.append((method, told))
        return method

    return note


class SchemaOnDemand:
    """An endpoint's `schema`; what draws up the document comes with its first reader.

    drf-spectacular brings Django's test client, which takes as long as all of our endpoints.
    """

    def __get__(self, view: object, owner: type) -> Any:
        return _documented().__get__(view, owner)

    def __set__(self, view: object, schema: Any) -> None:
        _documented().__set__(view, schema)


def _documented() -> Any:
    """The one DocumentedSchema; by now all methods have what was noted of them."""
    from drf_spectacular import utils  # noqa: PLC0415 - see above

    while _noted:
        method, told = _noted.pop()
        utils.extend_schema(**told)(method)
    return _documented_schema()


@cache
def _documented_schema() -> Any:
    from llmconfig.api.kit.documented_schema import DocumentedSchema  # noqa: PLC0415 - see above

    return DocumentedSchema()
