"""Request bodies: JSON of a sane size, and no field that isn't known."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.core.validators import RegexValidator
from django.db.models import BaseConstraint, Model, UniqueConstraint
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError
from rest_framework.parsers import JSONParser
from typing_extensions import TypeVar

from llmconfig.api.kit.errors import TooLarge
from llmconfig.configuration.listing import ALLOWED, COLUMNS, refuse_unlisted
from llmconfig.errors import ChangeRefused
from llmconfig.roles import everybody, username_field

MAX_BYTES = 1024 * 1024
MAX_KEY = 2**63 - 1  # of a bigint primary key

Row = TypeVar("Row", bound=Model)

NO_SPACES = RegexValidator(
    r"^[\x21-\x7e]*$", "No key holds a space, a line break or a character beyond ASCII."
)


class CappedJSONParser(JSONParser):
    """JSON of at most 1 MB; what is larger is not even parsed."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The body's value; raises TooLarge and ParseError."""
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise TooLarge(f"The body is over {MAX_BYTES // 1024 // 1024} MB.")
        try:
            return super().parse(BytesIO(body), media_type, dict(parser_context or {}))
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None


class NamedRowField(serializers.SlugRelatedField[Row]):
    """Another row by its name; a name that can't be stored is no row's."""

    def to_internal_value(self, data: Any) -> Row:
        if not isinstance(data, str) or not data.isprintable():
            self.fail("invalid")
        return super().to_internal_value(data)


class UserField(NamedRowField[Any]):
    """A user by the name that they sign in with (the project's USERNAME_FIELD)."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only"):
            kwargs["queryset"] = everybody()
        super().__init__(slug_field=username_field(), **kwargs)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it doesn't know or only shows, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            refuse_unknown(self.fields, data)
        return super().to_internal_value(data)


class StrictModelSerializer(serializers.ModelSerializer[Row]):
    """The same for a table's row, with the table's own constraints."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            refuse_unknown(self.fields, data)
        return super().to_internal_value(data)

    def validate(self, attrs: Any) -> Any:
        """Hold the row as it would become to the rules that span fields."""
        row = self._would_be(attrs)
        try:
            row.clean()
        except ModelValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        for model, constraints in row.get_constraints():
            for each in constraints:
                try:
                    each.validate(model, row)
                except ModelValidationError as error:
                    raise serializers.ValidationError(_details(each, row, error)) from error
        return attrs

    def _would_be(self, attrs: Mapping[str, Any]) -> Model:
        model: type[Model] = self.Meta.model
        known = {each.name for each in model._meta.concrete_fields}  # noqa: SLF001 - Django's API
        values: dict[str, Any] = {}
        if self.instance is not None:
            values = {name: getattr(self.instance, name) for name in known}
        row = model(**values | {name: each for name, each in attrs.items() if name in known})
        row._state.adding = self.instance is None  # noqa: SLF001 - its own row is no duplicate
        return row


class ListedModelsSerializer(StrictModelSerializer[Row]):
    """The same for a row that names models: those must be listed, unless it says otherwise."""

    def validate(self, attrs: Any) -> Any:
        """Refuse models that no enabled provider lists, where they are named anew."""
        attrs = super().validate(attrs)
        names = {*COLUMNS[self.Meta.model], *COLUMNS[self.Meta.model].values(), ALLOWED} - {""}
        row = self.instance
        old = {} if row is None else {name: getattr(row, name) for name in names}
        refuse_models(self.Meta.model, {**old, **attrs}, old)
        return attrs


def refuse_models(table: type[Model], new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Raises ValidationError for a model that no enabled provider lists."""
    try:
        refuse_unlisted(table, new, old)
    except ChangeRefused as refusal:
        raise serializers.ValidationError(
            {refusal.field: ErrorDetail(str(refusal), "unlisted")}
        ) from refusal


def refuse_unknown(fields: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Raises ValidationError on the first field that can't be written."""
    for name in data:
        field = fields.get(name)
        if field is None:
            known = ", ".join(each for each in fields if not fields[each].read_only)
            raise serializers.ValidationError(
                {
                    _shown(name): ErrorDetail(
                        gettext("There is no such field; there are {names}.").format(names=known),
                        "unknown",
                    )
                }
            )
        if field.read_only:
            raise serializers.ValidationError(
                {name: ErrorDetail(gettext("This field can't be written."), "read_only")}
            )


def _shown(name: str) -> str:
    return name if len(name) <= 50 else f"{name[:50]}…"


def _details(
    rule: BaseConstraint, row: Model, error: ModelValidationError
) -> dict[str, list[ErrorDetail]]:
    """The rule's own words, or which fields another row has the same; that one is a conflict."""
    if not isinstance(rule, UniqueConstraint):
        return {"non_field_errors": [ErrorDetail(error.messages[0], "invalid")]}
    name = row._meta.verbose_name  # noqa: SLF001 - Django's API
    message = f"There is already one {name} with the same {' and '.join(rule.fields)}."
    return {rule.fields[-1]: [ErrorDetail(message, "unique")]}
