"""Listings with what models made of them, to be read by pages and kept by caches.

Each answer has an ETag; who sends it back as If-None-Match and has the present one gets 304. Only a
viewer may read, unless LLM_LISTINGS_PUBLIC_SECONDS opens them: then anybody may, and browsers and
CDNs may keep an answer for so long.
"""

import hashlib
from typing import Any

from django.db.models import QuerySet
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework import generics, serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.enriching import LANGUAGE_HELP
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.language_tags import checked_language
from enrichment.listings.models import Animal, Organization
from enrichment.listings.process_settings import PUBLIC_SECONDS
from llmconfig import project_settings
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Rows
from llmconfig.api.kit.permissions import RolePermission
from llmconfig.configuration import process_settings

LANGUAGE = OpenApiParameter(
    "language", str, description=f"Only this language among `translations`. {LANGUAGE_HELP}"
)
ETAG_LENGTH = 32


def public_seconds() -> int:
    """How long anybody may keep a listing; 0 where only people with a role may read them."""
    seconds: int = process_settings.effective(
        PUBLIC_SECONDS.variable, environment=project_settings.process_values(), row={}
    )
    return seconds


class MayReadListings(RolePermission):
    """Viewers, and everybody where the project publishes its listings."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return public_seconds() > 0 or super().has_permission(request, view)


class OrganizationShownSerializer(serializers.ModelSerializer[Organization]):
    """Whose listing it is."""

    class Meta:
        model = Organization
        fields = ("id", "slug", "name")


class AnimalSerializer(serializers.ModelSerializer[Animal]):
    """A listing as it was published, and its enrichments; null where there is none (yet)."""

    organization = OrganizationShownSerializer(read_only=True)
    translations = serializers.SerializerMethodField()

    class Meta:
        model = Animal
        fields = (
            "id", "external_id", "organization", "name", "species", "breed", "breed_secondary",
            "age", "sex", "size", "city", "state", "country", "status", "url", "description",
            "enriched_description", "dog_profiler_data", "translations", "tags", "entities",
            "llm_processed_at", "llm_model_used", "updated_at",
        )  # fmt: skip

    def get_translations(self, animal: Animal) -> dict[str, Any] | None:
        """Text by language code."""
        language = self.context.get("language", "")
        held: dict[str, Any] | None = animal.translations
        if not language or held is None:
            return held
        return {language: held[language]} if language in held else {}


class ListingRows(EnrichmentEndpoint, Rows):
    """What the two addresses share: rows, who may, and what caches may do."""

    queryset = Animal.objects.select_related("organization").order_by("id")
    serializer_class = AnimalSerializer
    permission_classes = [MayReadListings]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Nobody is asked who he is where everybody may read: one answer serves all."""
        return [] if public_seconds() else super().get_authenticators()

    def get_serializer_context(self) -> dict[str, Any]:
        asked = self.request.query_params.get("language", "") if self.request else ""
        language = asked and checked_language(asked, field="language")
        return {**super().get_serializer_context(), "language": language}

    def cached(self, request: Request, answer: Response) -> Response:
        """With its tag and what caches may do; 304 where the caller has it."""
        content = JSONRenderer().render(answer.data)
        tag = f'"{hashlib.sha256(content).hexdigest()[:ETAG_LENGTH]}"'
        seconds = public_seconds()
        keep = f"public, max-age={seconds}" if seconds else "private, no-cache"
        known = parse_etags(request.headers.get("If-None-Match", ""))
        if "*" in known or tag in {each.removeprefix("W/") for each in known}:
            answer = Response(status=status.HTTP_304_NOT_MODIFIED)
        answer["ETag"], answer["Cache-Control"] = tag, keep
        return answer


class AnimalList(ListingRows, generics.ListAPIView[Animal]):
    """A page of listings."""

    more_error_statuses = frozenset({"400"})
    ordering_fields = ("id", "updated_at", "llm_processed_at")

    def get_queryset(self) -> QuerySet[Animal]:
        rows: QuerySet[Animal] = super().get_queryset()
        slug = self.request.query_params.get("organization", "") if self.request else ""
        return rows.filter(organization__slug=slug) if slug else rows

    @extend_schema(
        parameters=[
            LANGUAGE,
            OpenApiParameter("organization", str, description="Only this slug's."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List them, or say that nothing has changed."""
        return self.cached(request, self.list(request, *args, **kwargs))


class AnimalDetail(ListingRows, generics.RetrieveAPIView[Animal]):
    """One listing."""

    more_error_statuses = frozenset({"400", "404"})

    @extend_schema(parameters=[LANGUAGE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show it, or say that nothing has changed."""
        return self.cached(request, self.retrieve(request, *args, **kwargs))
