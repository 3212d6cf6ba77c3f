"""Bespoke's curator: a prompt for each row of a table."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

# It wants OpenAI's table of tokens, which LiteLLM brings along.
tables = Path(find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"
os.environ |= {"CURATOR_DISABLE_RICH_DISPLAY": "1", "TELEMETRY_ENABLED": "false"}
os.environ["TIKTOKEN_CACHE_DIR"] = str(tables)

from bespokelabs import curator
from pydantic import BaseModel
from steps import ASK, KEY, MODEL, URL, expect, main, step


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


class Describer(curator.LLM):
    """Asks for each row what it says."""

    def prompt(self, row):
        return row["ask"]

    def parse(self, row, response):
        return [row | {"told": response}]


class Maker(Describer):
    """Makes a dog of each row."""

    response_format = Dog

    def parse(self, row, response):
        return [row | {"told": response.name}]


def rows(kind, key=KEY):
    params = {"base_url": URL, "api_key": key, "max_retries": 0, "max_concurrent_requests": 4}
    made = kind(model_name=MODEL, backend="openai", backend_params=params)
    asked = [{"ask": ASK}, {"ask": "Make up a dog."}]
    return made(asked, working_dir=tempfile.mkdtemp())


@step("chat")
def chat():
    expect(all(row["told"] for row in rows(Describer).dataset), "text")


@step("usage")
def usage():
    expect(rows(Describer).token_usage.output, "tokens")


@step("structured")
def structured():
    expect(all(row["told"] for row in rows(Maker).dataset), "object")


@step("errors")
def errors():
    try:
        rows(Describer, "nw-wrong")
    except Exception as error:
        expect("401" in str(error) or "failed" in str(error) or "key" in str(error), f"{error}")
    else:
        raise AssertionError("raised nothing")


main()
