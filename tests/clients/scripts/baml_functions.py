"""BAML's functions, whose client is written in Rust, over each of its three wires."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import ASK, CLAUDE, KEY, MODEL, ROOT, URL, expect, main, raises, step

AT = os.environ["AT"]
model, url = (CLAUDE, ROOT) if AT == "anthropic" else (MODEL, URL)
SOURCE = """
generator here {{
  output_type "python/pydantic"
  output_dir "{folder}"
  version "0.226.3"
}}
client<llm> Gateway {{
  provider "{provider}"
  options {{
    model "{model}"
    base_url "{url}"
    api_key env.GATEWAY_KEY
    max_tokens 200
  }}
}}
class Dog {{
  name string
  age int
}}
function Describe(what: string) -> string {{
  client Gateway
  prompt #"{{{{ _.role("user") }}}} {{{{ what }}}}"#
}}
function Extract(what: string) -> Dog {{
  client Gateway
  prompt #"{{{{ _.role("user") }}}} {{{{ what }}}} {{{{ ctx.output_format }}}}"#
}}
"""
folder = Path(tempfile.mkdtemp())
source = folder / "baml_src"
source.mkdir()
told = SOURCE.format(folder=folder, provider=AT, model=model, url=url)
(source / "dogs.baml").write_text(told)
cli = Path(sys.executable).with_name("baml-cli")
subprocess.run([cli, "generate", "--from", source], check=True, capture_output=True)
sys.path.insert(0, str(folder))
os.environ["GATEWAY_KEY"] = KEY

from baml_client.sync_client import b
from baml_py import Collector
from baml_py.errors import BamlClientHttpError


@step("chat")
def chat():
    expect(b.Describe(ASK), "text")


@step("stream")
def stream():
    expect(list(b.stream.Describe(ASK)), "pieces")


@step("usage")
def usage():
    collected = Collector()
    b.with_options(collector=collected).Describe(ASK)
    expect(collected.last.usage.output_tokens, "tokens")


@step("structured")
def structured():
    expect(b.Extract('SAY {"name": "Rex", "age": 3}').name == "Rex", "object")


@step("errors")
def errors():
    wrong = b.with_options(env={"GATEWAY_KEY": "nw-wrong"})
    raises(BamlClientHttpError, lambda: wrong.Describe(ASK))


main()
