"""langextract: facts out of a text, with their places."""

import langextract as lx
from langextract.core.exceptions import LangExtractError
from langextract.factory import ModelConfig
from langextract.providers.openai import OpenAILanguageModel
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

FOUND = 'SAY {"extractions": [{"dog": "Bello"}]}'
DOG = lx.data.Extraction(extraction_class="dog", extraction_text="Rex")


def extract(key=KEY):
    kind = {"api_key": key, "base_url": URL}
    return lx.extract(
        text_or_documents=FOUND,
        prompt_description="Find dogs.",
        examples=[lx.data.ExampleData(text="Rex is a dog.", extractions=[DOG])],
        config=ModelConfig(model_id=MODEL, provider="OpenAILanguageModel", provider_kwargs=kind),
        use_schema_constraints=True,
        show_progress=False,
    )


@step("chat")
def chat():
    model = OpenAILanguageModel(model_id=MODEL, api_key=KEY, base_url=URL)
    expect(next(iter(model.infer([ASK])))[0].output, "text")


@step("structured")
def structured():
    expect(extract().extractions, "extractions")


@step("errors")
def errors():
    raises(LangExtractError, lambda: extract("nw-wrong"))


main()
