"""What a schema that can't be used raises."""


class SchemaUnusable(ValueError):
    """The schema that was asked for can't be used; its text names the place and the reason."""
