"""The shape of errors under `/api/llm`, and what enrichment's own errors mean to a client."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rest_framework import serializers, status
from rest_framework.response import Response

from enrichment.errors import (
    AlreadyDecided,
    BadDeclaration,
    BadPrompt,
    BadSelection,
    BadSource,
    BadValue,
    EnrichmentError,
    FeatureOff,
    InputChanged,
    NotAllowedNow,
    UnknownEnrichment,
)
from llmconfig.api.kit import errors
from llmconfig.api.kit.endpoints import Endpoint, UnknownAddress
from llmconfig.api.kit.errors import ErrorBody
from llmconfig.roles import Role


class FailureSerializer(serializers.Serializer[Any]):
    """The body of every error below /api/llm."""

    success = serializers.BooleanField(help_text="false")
    message = serializers.CharField(help_text="One line for people; names the field at fault.")
    code = serializers.CharField(help_text="Stable; made for programs.")


def enrichment_body(told: ErrorBody) -> dict[str, Any]:
    """An error's body as the API below /api/llm has it."""
    named = not told.field or told.message.startswith(f"{told.field}:")
    message = told.message if named else f"{told.field}: {told.message}"
    return {"success": False, "message": message, "code": told.code}


for error, answered in (
    (UnknownEnrichment, status.HTTP_400_BAD_REQUEST),
    (BadSelection, status.HTTP_400_BAD_REQUEST),
    (BadSource, status.HTTP_400_BAD_REQUEST),
    (BadDeclaration, status.HTTP_400_BAD_REQUEST),
    (BadValue, status.HTTP_400_BAD_REQUEST),
    (NotAllowedNow, status.HTTP_409_CONFLICT),
    (AlreadyDecided, status.HTTP_409_CONFLICT),
    (InputChanged, status.HTTP_409_CONFLICT),
    (FeatureOff, status.HTTP_503_SERVICE_UNAVAILABLE),
    (BadPrompt, status.HTTP_503_SERVICE_UNAVAILABLE),
):
    errors.register(error, status=answered)


class EnrichmentEndpoint(Endpoint):
    """An address under /api/llm: operators act, and errors say `success: false` with a code.

    `request_names` are what a body here calls the fields that errors name otherwise.
    """

    write_role = Role.OPERATOR
    error_body = staticmethod(enrichment_body)
    error_serializer = FailureSerializer
    request_names: ClassVar[Mapping[str, Sequence[str]]] = {}

    def handle_exception(self, exc: Exception) -> Response:
        """Answer an error that names the field as the caller wrote it, or else has to write it."""
        if isinstance(exc, EnrichmentError) and exc.field in self.request_names:
            names = self.request_names[exc.field]
            given = self.request.data
            written = given if isinstance(given, Mapping) else {}
            name = next((each for each in names if written.get(each)), names[-1])
            exc.args = (f"{name}: {str(exc).removeprefix(f'{exc.field}: ')}",)
            exc.field = name
        return super().handle_exception(exc)


class UnknownEnrichmentAddress(UnknownAddress, EnrichmentEndpoint):
    """Answers 404 for any other address below /api/llm."""

    schema = None  # left out of the document
    write_role = Role.VIEWER
