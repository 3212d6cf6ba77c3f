"""One shape of error for all APIs; nothing inside is revealed.

An app above registers what its own errors mean; a view names the shape that its clients expect.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.utils.translation import gettext
from msgspec import Struct
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from llmconfig.client.errors import BudgetExceeded, GenerationFailed
from llmconfig.errors import ChangeRefused, ConfigurationError

logger = logging.getLogger(__name__)

DUPLICATE_CODES = frozenset({"unique", "unique_together"})


class ErrorBody(Struct, frozen=True):
    """What a client is told; `field` is blank when no part of the request is at fault."""

    status: int
    code: str
    message: str
    field: str = ""


Shape = Callable[[ErrorBody], dict[str, Any]]


class Conflict(APIException):
    """The request is fine, but the present state rules it out."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ChangedSince(APIException):
    """The state that the request names has passed: somebody wrote in between."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "changed_since"


class Unavailable(APIException):
    """A server that we ask doesn't answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"


class TooLarge(APIException):
    """The request's body is longer than the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


_statuses: dict[type[Exception], int] = {
    ChangeRefused: status.HTTP_400_BAD_REQUEST,
    BudgetExceeded: status.HTTP_402_PAYMENT_REQUIRED,
    ConfigurationError: status.HTTP_503_SERVICE_UNAVAILABLE,
    GenerationFailed: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def register(error: type[Exception], *, status: int) -> None:
    """Say with which status an error is answered; it has `code`, its text is for clients."""
    _statuses[error] = status


def configuration_body(told: ErrorBody) -> dict[str, Any]:
    """An error's body as the API below /api/v1/llm has it."""
    return {"error": {"code": told.code, "message": told.message, "field": told.field or None}}


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception hook: every error in the view's shape, an unexpected one without details."""
    response = exception_handler(error, context)
    if response is None:
        set_rollback()
        told, response = _of_ours(error), Response()
    else:
        told = _of_framework(error, response.status_code)
    shape: Shape = getattr(context.get("view"), "error_body", configuration_body)
    response.data = shape(told)
    response.status_code = told.status
    return response


def _of_ours(error: Exception) -> ErrorBody:
    for kind in type(error).__mro__:
        if kind in _statuses:
            code, field = getattr(error, "code", "failed"), getattr(error, "field", "")
            return ErrorBody(_statuses[kind], code, str(error), field)
    if isinstance(error, IntegrityError):
        return ErrorBody(
            status.HTTP_409_CONFLICT,
            "conflict",
            gettext(
                "Another change came first and rules this one out; read the present state and"
                " retry."
            ),
        )
    if isinstance(error, RequestDataTooBig):
        return ErrorBody(
            status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", gettext("The body is too large.")
        )
    if isinstance(error, DataError):
        return ErrorBody(
            status.HTTP_400_BAD_REQUEST, "invalid", gettext("A value can't be stored.")
        )
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("The database couldn't answer an API request: %s", error)
        return ErrorBody(
            status.HTTP_503_SERVICE_UNAVAILABLE,
            "unavailable",
            gettext("The database can't be asked right now; try again."),
        )
    reference = uuid.uuid4().hex[:12]
    logger.error("Unexpected error %s in an API request.", reference, exc_info=error)
    return ErrorBody(
        status.HTTP_500_INTERNAL_SERVER_ERROR,
        "internal",
        gettext(
            "Something went wrong here. The log has it under the reference {reference}."
        ).format(reference=reference),
    )


def _of_framework(error: Exception, status_code: int) -> ErrorBody:
    """DRF's and Django's own errors; of several problems the first is told."""
    if not isinstance(error, APIException):  # Http404 and Django's PermissionDenied
        if status_code == status.HTTP_404_NOT_FOUND:
            return ErrorBody(status_code, "not_found", gettext("There is nothing here."))
        return ErrorBody(status_code, "permission_denied", gettext("You may not do this."))
    field, detail = _first(error.detail)
    if isinstance(error, ValidationError) and detail.code in DUPLICATE_CODES:
        return ErrorBody(status.HTTP_409_CONFLICT, "conflict", str(detail), field)
    return ErrorBody(status_code, str(detail.code), str(detail), field)


def _first(detail: Any, field: str = "") -> tuple[str, ErrorDetail]:
    """The first leaf of DRF's nested details, and the dotted path to it."""
    if isinstance(detail, dict) and detail:
        name, inner = next(iter(detail.items()))
        step = "" if name == "non_field_errors" else str(name)
        return _first(inner, ".".join(filter(None, (field, step))))
    if isinstance(detail, list) and detail:
        filled = next((index for index, each in enumerate(detail) if each), 0)
        return _first(detail[filled], field)
    if isinstance(detail, ErrorDetail):
        return field, detail
    return field, ErrorDetail(str(detail), code="invalid")
