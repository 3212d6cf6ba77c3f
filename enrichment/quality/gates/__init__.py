"""The gates that an enrichment names, and what is needed to write another one; re-exports only."""

from enrichment.quality.findings import (
    FINDING_CODES,
    GateFinding,
    may_be_released,
    register_code,
)
from enrichment.quality.gates.addresses import unknown_addresses
from enrichment.quality.gates.attesting import attested
from enrichment.quality.gates.carried import HomeCondition, carried
from enrichment.quality.gates.claims import Fields
from enrichment.quality.gates.columns import (
    Amount,
    Choice,
    Statement,
    columns_decide,
    promises_kept,
)
from enrichment.quality.gates.concepts import Concept, concepts_kept
from enrichment.quality.gates.contract import Checked, Gate
from enrichment.quality.gates.form import (
    announcement,
    complete,
    language,
    length,
    remains_of,
    template_remains,
    within_limits,
)
from enrichment.quality.gates.instructions import addresses_model
from enrichment.quality.gates.names import name_kept, unknown_names
from enrichment.quality.gates.numbers import (
    changed_units,
    numbers_kept,
    numbers_translated,
    unknown_numbers,
)
from enrichment.quality.gates.ordered_choices import orders_choice
from enrichment.quality.gates.rewriting import (
    conditions_kept,
    invented,
    negation_changed,
    opposite_said,
)
from enrichment.quality.gates.sexes import sex_kept, sex_translated
from enrichment.quality.gates.untranslated import untranslated
from enrichment.quality.gates.wanted_home import HomeWords, plainly_wanted
from enrichment.quality.gates.wording import wording_kept

__all__ = [
    "FINDING_CODES",
    "Amount",
    "Checked",
    "Choice",
    "Concept",
    "Fields",
    "Gate",
    "GateFinding",
    "HomeCondition",
    "HomeWords",
    "Statement",
    "addresses_model",
    "announcement",
    "attested",
    "carried",
    "changed_units",
    "columns_decide",
    "complete",
    "concepts_kept",
    "conditions_kept",
    "invented",
    "language",
    "length",
    "may_be_released",
    "name_kept",
    "negation_changed",
    "numbers_kept",
    "numbers_translated",
    "opposite_said",
    "orders_choice",
    "plainly_wanted",
    "promises_kept",
    "register_code",
    "remains_of",
    "sex_kept",
    "sex_translated",
    "template_remains",
    "unknown_addresses",
    "unknown_names",
    "unknown_numbers",
    "untranslated",
    "within_limits",
    "wording_kept",
]
