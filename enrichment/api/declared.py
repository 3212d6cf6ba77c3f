"""Enrichments that administrators declare over tables of the project, without code."""

import re
from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext
from rest_framework import serializers

from enrichment import declaring, enrichments
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.enrichments.contract import PromptText
from enrichment.enrichments.declared import FIRST_GATES, GATES
from enrichment.models import DeclaredEnrichment
from enrichment.models.declared import MAX_READ
from enrichment.prompts import versions
from llmconfig.api.kit.bodies import StrictModelSerializer
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Rows
from llmconfig.api.kit.errors import ChangedSince, Conflict
from llmconfig.api.kit.versions import etag, require_match
from llmconfig.roles import Role

MAX_WORDING = 100_000  # characters
KEPT = ("name", "target")
# The revision of its row, then the version of its wording.
TAG = re.compile(r'"(\d{1,18})-(\d{1,9})"')


class DeclaredSerializer(StrictModelSerializer[DeclaredEnrichment]):
    """One enrichment with its wording: columns, node, schema, gates and limits."""

    reads = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=1, max_length=MAX_READ,
        help_text="The columns that the answer depends on; the prompt uses each by its name.",
    )  # fmt: skip
    system = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_WORDING,
        help_text="The instructions. `{{column}}` is replaced by the row's value.",
    )  # fmt: skip
    user = serializers.CharField(
        max_length=MAX_WORDING,
        help_text="The message about one row; it uses each column that is read as `{{column}}`.",
    )
    gates = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=len(GATES),
        help_text=f"What holds an answer back for a person: {', '.join(GATES)}. Left out:"
        f" {', '.join(FIRST_GATES)}.",
    )  # fmt: skip
    problem = serializers.SerializerMethodField(
        help_text="Why it can't be used as it stands, such as a column that is gone; else blank."
    )

    class Meta:
        model = DeclaredEnrichment
        fields = (
            "id", "name", "label", "is_enabled", "target", "reads", "writes", "node", "system",
            "user", "schema", "gates", "answers_in", "longest_answer", "longest_source", "problem",
            "created_at", "updated_at",
        )  # fmt: skip

    def get_problem(self, row: DeclaredEnrichment) -> str:
        return enrichments.why_unusable(row.name)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The rules of the form in the admin; raises BadDeclaration naming the field."""
        stored = self.instance
        for name in KEPT:
            if stored is not None and attrs.get(name, getattr(stored, name)) != getattr(
                stored, name
            ):
                said = "Batches and results go by it: declare another enrichment."
                raise serializers.ValidationError({name: said})
        if stored is None:
            attrs.setdefault("gates", list(FIRST_GATES))
        super().validate(attrs)
        row = self._would_be(attrs)
        declaring.check(row, self._wording(attrs))  # type: ignore[arg-type]  # a row of Meta.model
        return attrs

    def create(self, validated_data: dict[str, Any]) -> DeclaredEnrichment:
        """With its node, where it names none, and its wording."""
        return self._declared(DeclaredEnrichment(), validated_data)

    def update(
        self, instance: DeclaredEnrichment, validated_data: dict[str, Any]
    ) -> DeclaredEnrichment:
        """Another wording becomes the next version of its prompt."""
        return self._declared(instance, validated_data)

    def _declared(self, row: DeclaredEnrichment, values: dict[str, Any]) -> DeclaredEnrichment:
        wording = self._wording(values)
        for name, value in (values | {"system": wording.system, "user": wording.user}).items():
            setattr(row, name, value)
        declaring.declare(row, wording)
        return row

    def _wording(self, values: dict[str, Any]) -> PromptText:
        """Lines end as they are stored."""
        now = declaring.wording_of(self.instance.name) if self.instance else PromptText("", "")
        texts = (values.get(name, getattr(now, name)) for name in ("system", "user"))
        return PromptText(*(each.replace("\r\n", "\n").strip() for each in texts))


class _Declared(EnrichmentEndpoint, Rows):
    """What both addresses share."""

    queryset = DeclaredEnrichment.objects.all()
    serializer_class = DeclaredSerializer
    lookup_field = "name"
    write_role: ClassVar[Role] = Role.ADMINISTRATOR

    def get_queryset(self) -> QuerySet[Any]:
        """Each with the wording that is in use for all that have none of their own."""
        wording = versions.defaults_of(OuterRef("name"))
        rows: QuerySet[Any] = (
            super()
            .get_queryset()
            .annotate(
                system=Subquery(wording.values("system")[:1]),
                user=Subquery(wording.values("user")[:1]),
            )
        )
        return rows


class DeclaredList(_Declared, ConfigurationList):
    """The enrichments that are declared; those of code are none of them."""

    filterset_fields = ("target", "is_enabled", "node")
    ordering_fields = ("name", "label", "created_at")


class DeclaredRow(_Declared, ConfigurationRow):
    """Shows, changes and removes one; its wording counts for its version, too."""

    def tag(self, row: DeclaredEnrichment) -> str:
        """Both halves: prompts have versions of their own in place of revisions."""
        return f'{etag(self.traces(row))[:-1]}-{versions.number_in_use(row.name)}"'

    def check_match(self, row: DeclaredEnrichment) -> None:
        """Raises ChangedSince, also for another wording."""
        header = self.request.headers.get("If-Match")
        named = TAG.findall(header or "")
        if not named:
            return require_match(header, self.traces(row))
        require_match(", ".join(f'"{revision}"' for revision, _ in named), self.traces(row))
        present = versions.number_in_use(row.name)
        if str(present) not in {version for _, version in named}:
            raise ChangedSince(
                gettext(
                    "Its wording was changed after you read it: version {present} is in use. "
                    "Nothing of yours was written: read it again, then repeat what you still want."
                ).format(present=present)
            )
        return None

    def check_removable(self, row: DeclaredEnrichment) -> None:
        """Raise Conflict while a batch of it hasn't ended."""
        left = declaring.unfinished_batches(row)
        if left:
            raise Conflict(
                gettext(
                    "{name} has batches that have not ended ({left}): cancel them first, or switch "
                    "it off (is_enabled)."
                ).format(name=row.name, left=left)
            )
