"""What the enrichments of listings share: a row's facts in one line."""

from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"


def yes_no(value: bool | None) -> str:
    """“yes”, “no”, or the word for unknown: unknown is not no."""
    return UNKNOWN if value is None else "yes" if value else "no"


def facts(row: Mapping[str, Any]) -> str:
    """The structured columns in one line a model can read; unknown ones are left out."""
    breed = " / ".join(filter(None, (row["breed"], row["breed_secondary"])))
    stated = {
        "breed": f"{breed} mix" if breed and row["mixed"] else breed,
        "age": row["age"],
        "sex": row["sex"],
        "size": row["size"],
        "good with children": yes_no(row["good_with_children"]),
        "good with dogs": yes_no(row["good_with_dogs"]),
        "good with cats": yes_no(row["good_with_cats"]),
        "house-trained": yes_no(row["house_trained"]),
        "special needs": yes_no(row["special_needs"]),
    }
    return "; ".join(
        f"{name}: {value}" for name, value in stated.items() if value and value != UNKNOWN
    )


FACT_COLUMNS = (
    "breed",
    "breed_secondary",
    "mixed",
    "age",
    "sex",
    "size",
    "good_with_children",
    "good_with_dogs",
    "good_with_cats",
    "house_trained",
    "special_needs",
)
