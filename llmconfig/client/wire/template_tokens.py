"""Control tokens of chat templates, which servers without the model's template leave in answers."""

from llmconfig.client.wire.tags import QUOTES, Tags

# What ends a turn in the templates of ChatML (Qwen, Yi), Llama, Mistral, Gemma, Phi, gpt-oss,
# DeepSeek, GLM and Command R; from the models' tokenizer_config.json.
END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
    "<|user|>",
    "<|observation|>",
    "<|END_OF_TURN_TOKEN|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",  # DeepSeek's, with its wide bars
    "</s>",
    "<eos>",
)
MAX_TOKEN_CHARACTERS = max(map(len, END_TOKENS))
_ENDS = Tags(END_TOKENS)
_STRUCK = "<s>"  # HTML's own </s> closes one


def without_end_tokens(text: str) -> str:
    """An answer without what a template ends a turn with.

    Only at the very end, and not behind a quotation mark: an answer may speak of such tokens.
    """
    if ">" not in text[-MAX_TOKEN_CHARACTERS:]:
        return text
    while (found := _end_token(text)) is not None:
        text = found
    return text


def _end_token(text: str) -> str | None:
    """The text before the token that it ends with; None if it ends otherwise."""
    bare = text.rstrip()
    for ending in END_TOKENS:
        if bare.endswith(ending):
            before = bare[: -len(ending)]
            quoted = before[-1:] in QUOTES
            struck = ending == "</s>" and _STRUCK in before
            return None if quoted or struck else before.rstrip()
    return None


class EndTokenHolder:
    """The same for an answer that comes in pieces: what may become such a token waits."""

    __slots__ = ("_before", "_held", "_struck")

    def __init__(self) -> None:
        self._held = ""
        self._before = ""  # the last characters that have passed
        self._struck = False

    def feed(self, piece: str) -> str:
        """What may pass now."""
        text = self._held + piece
        seen = self._before + text
        self._struck = self._struck or _STRUCK in seen
        begin = max(0, _may_begin(seen) - len(self._before)) if "<" in text else len(text)
        passed, self._held = text[:begin], text[begin:]
        self._before = (self._before + passed)[-len(_STRUCK) + 1 :]
        return passed

    def end(self) -> str:
        """What was held and is no token."""
        held, self._held = self._held, ""
        return held if self._struck and held.strip() == "</s>" else without_end_tokens(held)


def _may_begin(text: str) -> int:
    """Where tokens, or the beginning of one, stand at the text's end; its length if none do."""
    begin = len(text)
    while True:
        bare = text[:begin].rstrip()
        at = len(bare) - _ENDS.begun(bare)
        if at == len(bare) or bare[at - 1 : at] in QUOTES:
            return begin
        if begin < len(text) and bare[at:] not in END_TOKENS:
            return begin  # another one follows, so that this is none
        begin = len(bare[:at].rstrip())
