"""What enrichment raises.

EnrichmentError
├── UnknownEnrichment      no such kind of work; says which there are
├── FeatureOff             the kind of work is switched off by its LLM_FEATURE_ variable
├── BadSelection           the rows that were asked for make no sense; names the field
├── BadPrompt              a template names a value that the enrichment doesn't have
├── ProposalOutdated       a proposal for a prompt that is in use no more
├── BadDeclaration         what was declared in the admin can't be done; names the field
├── BadSource              a source of facts that can't be asked; names the field
├── FactMissing            a source has no fact for a row that needs it
├── NotAllowedNow          a control that the batch's state doesn't allow
├── AlreadyDecided         a suggestion that nobody has to decide on (any more)
├── InputChanged           a suggestion whose row says something else by now
├── BadValue               a reviewer's value that the column can't hold
├── NoWorkers              a batch is stored, but no worker can be told; says why
└── AnswerRejected         an answer that must not be applied
"""


class EnrichmentError(Exception):
    """The root; `code` is stable and safe to show to API clients."""

    code = "enrichment_error"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnknownEnrichment(EnrichmentError):
    """No installed app registers an enrichment of this name."""

    code = "unknown_enrichment"


class FeatureOff(EnrichmentError):
    """The enrichment is switched off by an environment variable."""

    code = "feature_off"


class BadSelection(EnrichmentError):
    """The selection of rows can't be used."""

    code = "bad_selection"


class BadPrompt(EnrichmentError):
    """A prompt's template can't be filled."""

    code = "bad_prompt"


class BadDeclaration(EnrichmentError):
    """A declared enrichment breaks a rule."""

    code = "bad_declaration"


class BadSource(EnrichmentError):
    """A source of facts breaks a rule."""

    code = "bad_source"


class FactMissing(EnrichmentError):
    """A fact can't be had. `transient`: asking again may bring it."""

    code = "fact_missing"

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


class NotAllowedNow(EnrichmentError):
    """The batch is in a state that rules this out."""

    code = "not_allowed_now"


class AlreadyDecided(EnrichmentError):
    """No suggestion with this number waits for a decision."""

    code = "already_decided"


class InputChanged(EnrichmentError):
    """The row has changed since the suggestion was made."""

    code = "input_changed"


class BadValue(EnrichmentError):
    """The value doesn't fit the column or the enrichment's schema."""

    code = "bad_value"


class AnswerRejected(EnrichmentError):
    """The answer can't be a value; it is kept as a suggestion and never applied.

    `reason` is the finding's code.
    """

    code = "answer_rejected"

    def __init__(self, message: str, *, reason: str = "", field: str = "") -> None:
        super().__init__(message, field=field)
        self.reason = reason or self.code


class ProposalOutdated(EnrichmentError):
    """The proposal is about a prompt that isn't in use any more."""

    code = "proposal_outdated"


class NoWorkers(EnrichmentError):
    """A batch is stored, but its lanes can't be queued; the text says why and the way out."""

    code = "no_workers"
