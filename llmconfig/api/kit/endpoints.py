"""What every address of our APIs shares: bodies, errors, documentation, and revisions."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, cast

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet
from django.http import Http404
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django_filters.rest_framework import (  # type: ignore[import-untyped]  # it has no types
    DjangoFilterBackend,
)
from rest_framework import generics, serializers, status
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from llmconfig.api.kit import errors
from llmconfig.api.kit.bodies import CappedJSONParser
from llmconfig.api.kit.documentation import ErrorBodySerializer, SchemaOnDemand
from llmconfig.api.kit.pages import Pages, StrictOrdering
from llmconfig.api.kit.permissions import RolePermission
from llmconfig.api.kit.versions import etag, require_match
from llmconfig.configuration import revisions
from llmconfig.configuration.edits import traces_of
from llmconfig.roles import Role, User

# Tokens are rows of an app that not every project has.
AUTHENTICATION: list[type[BaseAuthentication]] = [
    *([TokenAuthentication] if apps.is_installed("rest_framework.authtoken") else []),
    SessionAuthentication,
]


class Endpoint(APIView):
    """One address. `write_role` is what its unsafe methods need."""

    # All of it is named here: the project's own REST_FRAMEWORK is for its own addresses.
    authentication_classes = AUTHENTICATION
    permission_classes = [RolePermission]
    parser_classes = [CappedJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class: type[BaseContentNegotiation] = DefaultContentNegotiation
    throttle_classes: list[type[BaseThrottle]] = []
    versioning_class = None
    metadata_class = None  # the schema says what OPTIONS would
    schema = SchemaOnDemand()
    write_role: ClassVar[Role] = Role.ADMINISTRATOR
    error_body = staticmethod(errors.configuration_body)
    error_serializer: ClassVar[type[serializers.Serializer[Any]]] = ErrorBodySerializer
    more_error_statuses: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view; it opens its own transactions, whatever ATOMIC_REQUESTS says.

        An address may call a model, and no transaction is held open meanwhile.
        """
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return errors.answer

    @property
    def caller(self) -> User:
        """Who asks; permissions let nobody else through."""
        return cast("User", self.request.user)

    def change(self, message: str) -> AbstractContextManager[revisions.Change]:
        """Open the revision of a write."""
        return revisions.change(source="api", user=self.caller, message=message)


class Versioned(Endpoint):
    """An address of something people edit: its ETag is the newest revision that changed it.

    A write that sends the ETag back as If-Match is refused once somebody else has written.
    """

    versioned: ClassVar[bool] = True

    def traces(self, row: Any) -> Q:
        """Where the history keeps what happens to the row and to what is written with it."""
        return traces_of([row])

    def check_match(self, row: Any) -> None:
        """Raises ChangedSince; the row is locked, so that nobody else writes now."""
        require_match(self.request.headers.get("If-Match"), self.traces(row))

    def tag(self, row: Any) -> str:
        """The ETag of what the address shows of the row."""
        return etag(self.traces(row))

    def shown(self, row: Any, body: Any, *, status: int = status.HTTP_200_OK) -> Response:
        """An answer with the row's version."""
        return Response(body, status=status, headers={"ETag": self.tag(row)})


class Rows(Endpoint, generics.GenericAPIView[Any]):
    """A table's rows. Names in addresses are looked up as they are; a NUL is in none."""

    pagination_class = Pages
    filter_backends = [DjangoFilterBackend, StrictOrdering]
    ordering_fields: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self) -> QuerySet[Any]:
        """Locked for a write's transaction, so that two writers take turns."""
        rows = super().get_queryset()
        writing = self.request.method not in SAFE_METHODS and connection.in_atomic_block
        return rows.select_for_update(of=("self",)) if writing else rows

    def get_object(self) -> Any:
        """The addressed row; raises NotFound that names it."""
        name = str(self.kwargs[self.lookup_field])
        if not name.isprintable():
            raise Http404
        try:
            return super().get_object()
        except Http404:
            raise NotFound(
                gettext("There is no {row_name} {name!r}.").format(
                    row_name=self.row_name, name=name
                )
            ) from None

    @property
    def row_name(self) -> str:
        model: type[Model] = super().get_queryset().model
        return str(model._meta.verbose_name)  # noqa: SLF001 - Django's API


class ConfigurationList(Rows, generics.ListCreateAPIView[Any]):
    """Lists rows and adds one; an addition is one revision."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with self.change(f"Added a {self.row_name}."):
            serializer.save()
        return Response(serializer.data, status=status.HTTP_201_CREATED)


class ConfigurationRow(Versioned, Rows, generics.RetrieveUpdateDestroyAPIView[Any]):
    """One row: shown, changed or removed. A write is one revision."""

    http_method_names = ["get", "patch", "delete", "head"]

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show it, with a version that is never newer than what is shown."""
        version = self.tag(self.get_object())
        return Response(self.get_serializer(self.get_object()).data, headers={"ETag": version})

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what the body names; the row is locked from reading to writing."""
        with transaction.atomic():
            row = self.get_object()
            self.check_match(row)
            serializer = self.get_serializer(
                row, data=request.data, partial=kwargs.get("partial", False)
            )
            serializer.is_valid(raise_exception=True)
            with self.change(f"Changed the {self.row_name} {row}."):
                serializer.save()
            return self.shown(row, serializer.data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove the row and what hangs on it."""
        with transaction.atomic():
            row = self.get_object()
            self.check_match(row)
            self.check_removable(row)
            with self.change(f"Removed the {self.row_name} {row}."):
                row.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def check_removable(self, row: Any) -> None:
        """Raise Conflict when something still needs the row."""


class UnknownAddress(Endpoint):
    """Any other address: an error in the API's shape, for whoever may know that it is none."""

    schema = None  # left out of the document
    write_role = Role.VIEWER

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises NotFound once the caller is known."""
        super().initial(request, *args, **kwargs)
        raise NotFound(
            gettext("There is no such address{where_they_are}.").format(
                where_they_are=_where_they_are()
            )
        )


def _where_they_are() -> str:
    """Where the project documents the API, if it does."""
    try:
        return f"; {reverse('api-docs')} lists them"
    except NoReverseMatch:
        return ""
