"""Bound callers, and LangChain's objects over them, in this process."""

import json
import os
import subprocess
import sys

import pytest

from llmconfig import client
from llmconfig.errors import UnknownNode
from llmconfig.models import ProviderModel
from metrics.models import GenerationMetric
from project.embedded.state import ROOT
from tests.measuring import function_calls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def node(make_provider, make_node):
    make_provider()
    return make_node("sim/gpt-4o-mini", name="chat")


def test_an_interaction_type_is_checked_by_name():
    assert client.get_llm_for_interaction("reasoning").node == "reasoning"
    with pytest.raises(UnknownNode, match="subagents"):
        client.get_llm_for_interaction("nonsense")


def test_a_callers_object_costs_a_few_calls_the_second_time(node):
    made = client.get_llm("chat").openai()

    def again():
        assert client.get_llm("chat").openai() is made

    assert function_calls(again) < 100


FIRST_OBJECTS = """
import json, sys, django
django.setup()
from django.conf import settings
from llmconfig.client import get_llm, preload
preload(*settings.LLM_PRELOAD)
imported = {}
for name in ("openai", "async_openai", "anthropic", "async_anthropic"):
    before = set(sys.modules)
    getattr(get_llm("planning"), name)()
    imported[name] = len(set(sys.modules) - before)
print(json.dumps(imported))
"""


def test_the_first_object_of_a_preloaded_process_imports_nothing():
    """`make objects` measures it; without LLM_PRELOAD a vendor's 500 modules are read first."""
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_OBJECTS],
        env=os.environ | {"LLM_PRELOAD": "openai,anthropic"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert set(json.loads(ran.stdout).values()) == {0}


def test_a_package_that_nobody_knows_is_refused_by_name():
    refused = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env=os.environ | {"LLM_PRELOAD": "openai,antropic"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert "LLM_PRELOAD: 'antropic' is none of openai, anthropic, langchain." in refused.stderr


def test_langchains_chat_model_answers_and_streams(node):
    pytest.importorskip("langchain_openai", reason="the extra [langchain] is not installed")
    chat = client.get_llm("chat").langchain()
    made = chat.invoke("Say hello to the dogs.")
    assert "[sim:" in made.content
    assert made.usage_metadata["total_tokens"] > 0
    assert "".join(each.content for each in chat.stream("Say hello to the dogs.")) == made.content
    assert GenerationMetric.objects.filter(method_name="chat").count() == 2


def test_langchains_embeddings_embed(make_provider, make_node):
    pytest.importorskip("langchain_openai", reason="the extra [langchain] is not installed")
    make_provider(model_id="text-embedding-3-small")
    ProviderModel.objects.update(kind="embedding")
    make_node("sim/text-embedding-3-small", name="vectors")
    made = client.get_llm("vectors").langchain_embeddings().embed_documents(["a dog", "a cat"])
    assert len(made) == 2
    assert made[0] != made[1]
