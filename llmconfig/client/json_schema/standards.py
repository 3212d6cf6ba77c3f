"""What jsonschema and referencing know of schemas: dialects, and where references lead.

Only a schema that names its dialect, an address or a part of itself imports this: both take 0.1 s.
"""

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from llmconfig.client.json_schema.errors import SchemaUnusable


def validator_of(dialect: str) -> Any:
    """jsonschema's validator class for the dialect that `$schema` names, by default the newest."""
    return validator_for({"$schema": dialect}, default=Draft202012Validator)


def dialect_of(named: str) -> str:
    """The address of a dialect in the one form that it has here."""
    dialect: str = validator_of(named).META_SCHEMA["$schema"]
    return dialect


def mistake_by(dialect: str, schema: dict[str, Any]) -> SchemaError | None:
    """What a schema has wrong by its dialect's own rules, if anything."""
    try:
        validator_of(dialect).check_schema(schema)
    except SchemaError as error:
        return error
    return None


def refuse(uri: str) -> Resource[Any]:
    """Raise for a reference to another document: none is ever fetched."""
    raise NoSuchResource(uri)


NOTHING_ELSE: Registry[Any] = Registry(retrieve=refuse)  # type: ignore[call-arg]  # attrs alias


def resolver_of(dialect: str, schema: dict[str, Any]) -> Any:
    """What finds a document's references; raises SchemaUnusable for an `$id` that is no address."""
    root = _resource(dialect, schema)
    try:
        return NOTHING_ELSE.with_resource("", root).resolver_with_root(root)
    except (ValueError, TypeError, AttributeError, Unresolvable):
        raise SchemaUnusable("The schema's $id is no address.") from None


def inside(resolver: Any, dialect: str, schema: dict[str, Any]) -> Any:
    """The same within a part that has an address of its own."""
    return resolver.in_subresource(_resource(dialect, schema))


def lookup(resolver: Any, reference: str) -> Any:
    """Where a reference leads, with its resolver; None where that is nowhere in the document."""
    try:
        return resolver.lookup(reference)
    except (Unresolvable, ValueError, TypeError, AttributeError, LookupError):
        return None


def _resource(dialect: str, schema: dict[str, Any]) -> Resource[Any]:
    return specification_with(dialect, default=DRAFT202012).create_resource(schema)
