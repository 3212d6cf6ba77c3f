"""NVIDIA's Data Designer: a table whose columns a model fills, as text and as objects."""

import os
import tempfile

os.environ |= {"NEMO_TELEMETRY_ENABLED": "false", "DATA_DESIGNER_HOME": tempfile.mkdtemp()}

import data_designer.config as dd
from data_designer.interface import DataDesigner
from pydantic import BaseModel
from steps import CLAUDE, KEY, MODEL, ROOT, URL, expect, main, step

AT = os.environ["AT"]


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def table(column, key=KEY):
    at = ROOT if AT == "anthropic" else URL
    provider = dd.ModelProvider(name="nodewise", endpoint=at, provider_type=AT, api_key=key)
    model = dd.ModelConfig(
        alias="told", model=CLAUDE if AT == "anthropic" else MODEL, provider="nodewise",
        inference_parameters=dd.ChatCompletionInferenceParams(max_tokens=500),
    )  # fmt: skip
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    params = dd.CategorySamplerParams(values=["small", "big"])
    sampler = dd.SamplerColumnConfig(name="size", sampler_type="category", params=params)
    builder.add_column(sampler)
    builder.add_column(column)
    designer = DataDesigner(model_providers=[provider], artifact_path=tempfile.mkdtemp())
    return designer.preview(builder, num_records=2)


@step("chat")
def chat():
    prompt = "Describe one {{ size }} dog in five words."
    column = dd.LLMTextColumnConfig(name="told", model_alias="told", prompt=prompt)
    expect(all(table(column).dataset["told"]), "text")


@step("structured")
def structured():
    column = dd.LLMStructuredColumnConfig(
        name="dog", model_alias="told", output_format=Dog,
        prompt='SAY ```json\nSAY {"name": "Rex", "age": 3}\nSAY ```\nMake up a {{ size }} dog.',
    )  # fmt: skip
    expect(table(column).dataset["dog"][0]["name"] == "Rex", "object")


@step("errors")
def errors():
    column = dd.LLMTextColumnConfig(name="told", model_alias="told", prompt="Say {{ size }}.")
    try:
        table(column, "nw-wrong")
    except Exception as error:
        expect("uthent" in str(error) or "key" in str(error), f"{type(error)}: {error}")
        return
    raise AssertionError("raised nothing")


main()
