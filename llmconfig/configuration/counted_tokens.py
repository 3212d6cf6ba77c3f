"""What prices ask of token counts; `client.types.Usage` is what they get."""

from collections.abc import Sequence
from typing import Protocol


class Details(Protocol):
    """Parts of the buckets with a price of their own; `client.types.UsageDetails` is one."""

    @property
    def cache_write_1h(self) -> int:
        """Of the cache writes, those kept for an hour."""

    @property
    def audio_input(self) -> int:
        """Of the fresh prompt tokens, audio."""

    @property
    def audio_cached(self) -> int:
        """How many of the cached prompt tokens are audio."""

    @property
    def audio_output(self) -> int:
        """How many of the answer's tokens are audio."""

    @property
    def image_input(self) -> int:
        """Of the fresh prompt tokens, pictures."""

    @property
    def image_cached(self) -> int:
        """How many of the cached prompt tokens are pictures."""

    @property
    def image_output(self) -> int:
        """How many of the answer's tokens are pictures."""

    @property
    def audio_seconds(self) -> int:
        """Audio that some vendors bill by its length."""

    @property
    def web_searches(self) -> int:
        """How many searches the provider made for the answer."""

    @property
    def inference_geo(self) -> str:
        """The region that the provider kept to, blank for any."""

    @property
    def beside(self) -> Sequence["TokensOfModel"]:
        """What other models took for the answer."""


class Tokens(Protocol):
    """Token counts in disjoint buckets; `client.types.Usage` is one."""

    @property
    def input(self) -> int:
        """Prompt tokens of neither cache bucket."""

    @property
    def cached_input(self) -> int:
        """Prompt tokens that were read from the provider's cache."""

    @property
    def cache_write(self) -> int:
        """Prompt tokens that were written to the provider's cache."""

    @property
    def output(self) -> int:
        """Tokens of the answer, without those of reasoning."""

    @property
    def reasoning(self) -> int:
        """Tokens of reasoning, which the answer doesn't show."""

    @property
    def details(self) -> Details | None:
        """What of them has a price of its own."""


class TokensOfModel(Protocol):
    """Tokens of another model of the same provider; `client.types.ModelUsage` is one."""

    @property
    def model(self) -> str:
        """Its id."""

    @property
    def usage(self) -> Tokens:
        """What it took."""
