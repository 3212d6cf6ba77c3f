"""The numbered states of the configuration."""

from django.db.models import Count
from rest_framework import generics, serializers

from llmconfig.api.kit.bodies import UserField
from llmconfig.api.kit.endpoints import Rows
from llmconfig.models import Revision, RevisionChange
from llmconfig.roles import username_field


class RevisionSerializer(serializers.ModelSerializer[Revision]):
    """One change of the configuration: when, by whom and from where."""

    user = UserField(read_only=True)
    rows_changed = serializers.IntegerField(read_only=True)

    class Meta:
        model = Revision
        fields = ("number", "created_at", "user", "source", "message", "rows_changed")


class RevisionChangeSerializer(serializers.ModelSerializer[RevisionChange]):
    """One row before and after; null where there was none. Keys are in neither."""

    class Meta:
        model = RevisionChange
        fields = ("table_name", "row_key", "before", "after")


class RevisionDetailSerializer(RevisionSerializer):
    """A revision with the rows that it changed, before and after."""

    changes = RevisionChangeSerializer(many=True, read_only=True)

    class Meta:
        model = Revision
        fields = (*RevisionSerializer.Meta.fields, "changes")


class RevisionList(Rows, generics.ListAPIView[Revision]):
    """Changes of the configuration, newest first."""

    # Django drops a model's own ordering where it groups.
    queryset = (
        Revision.objects.select_related("user")
        .annotate(rows_changed=Count("changes"))
        .order_by("-number")
    )
    serializer_class = RevisionSerializer
    filterset_fields = ("source", f"user__{username_field()}")
    ordering_fields = ("number",)


class RevisionRow(Rows, generics.RetrieveAPIView[Revision]):
    """One revision with all that it changed."""

    queryset = (
        Revision.objects.select_related("user")
        .annotate(rows_changed=Count("changes"))
        .prefetch_related("changes")
    )
    serializer_class = RevisionDetailSerializer
    lookup_field = "number"
