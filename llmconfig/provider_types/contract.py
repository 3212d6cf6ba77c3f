"""What Nodewise has to know of a kind of provider: one frozen record, one file for each kind."""

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Quirk(Struct, frozen=True, kw_only=True):
    """What some of a vendor's models are known to refuse, so that nobody has to be refused first.

    `refuses` holds names of llmconfig.client.wire.refused_parameters.
    """

    models: re.Pattern[str]  # matches their whole id
    refuses: frozenset[str]
    source: str  # the vendor's page that says so


class ProviderType(Struct, frozen=True, kw_only=True):
    """One kind of server: its address, its key, its wire format and its habits.

    Paths are appended to a provider's base URL; `{model}` and `{version}` stand for the model id
    and the API version.
    """

    name: str  # stored with each provider; at most 20 characters
    label: "StrOrPromise"  # shown in the admin and in errors
    wire: str  # a name of llmconfig.client.wire.registry: the format of requests and replies
    base_url: str = ""  # the vendor's own address; blank where each installation has its own
    needs_key: bool = True
    private_network: bool = False  # may be on this machine or in a private network
    free: bool = False  # runs on one's own hardware: its limits still apply when Redis is lost
    key_variable: str = ""  # the environment variable that usually holds the key
    key_header: str = "Authorization"  # of the OpenAI wire; Anthropic's wire has its own rule
    key_prefix: str = "Bearer "
    timeout_s: float = 600.0  # default for new providers: reasoning models think for minutes
    default_api_version: str = ""
    chat_path: str = "/chat/completions"
    embeddings_path: str = "/embeddings"  # blank: the wire has none
    models_path: str = "/models"
    deployments_path: str = ""  # an account's own deployments, where they are listed apart
    after_parameter: str = ""  # names the last id of the page before, where lists come in pages
    not_text: re.Pattern[str] | None = None  # listed models that answer without text
    lists_capable_models: bool = True  # a listed model takes JSON schemas and tools
    price_list: str = ""  # genai-prices' id of this vendor; blank: no public list
    batches: str = ""  # the vendor's batch API in llmconfig.client.provider_batches; blank: none
    output_limit: str = "max_tokens"  # what its newest models call the limit of an answer
    schema_form: str = "openai"  # how it takes JSON schemas: a name of client.structured_output
    refuses_unknown_fields: bool = False  # a request with a field that it doesn't know is a 400
    takes_cache_marks: bool = False  # Anthropic's `cache_control` on parts and tools
    takes_all_tools: bool = False  # not functions alone: free text and choices among some, too
    chooses_tools_by_word: bool = False  # `tool_choice` is a word there, and can't name a function
    takes_cache_key: bool = False  # OpenAI's `prompt_cache_key`
    ids_keep_name: bool = False  # its own ids start with its name, as in openrouter/auto
    takes_azure_values: bool = False  # a node's azure_* values apply
    responses_only: re.Pattern[str] | None = None  # models asked by OpenAI's Responses alone
    last_resort: str | None = None  # put before gpt-4o when only the key variable is configured
    quirks: tuple[Quirk, ...] = ()
    source: str = ""  # the vendor's page that says so

    def wire_of(self, model_id: str) -> str:
        """The format of a model's requests and replies."""
        only = self.responses_only
        return "responses" if only is not None and only.fullmatch(model_id) else self.wire

    def known_refusals(self, model_id: str) -> frozenset[str]:
        """What a model of this kind of provider is known to refuse."""
        found = [each.refuses for each in self.quirks if each.models.fullmatch(model_id)]
        return frozenset().union(*found)

    @property
    def needs_address(self) -> bool:
        """Whether a provider of this type has to name its base URL."""
        return not self.base_url

    @property
    def is_hosted(self) -> bool:
        """Whether others run the server, and their key opens it."""
        return not self.private_network
