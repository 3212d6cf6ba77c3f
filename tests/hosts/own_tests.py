"""A host's own tests with the fake provider; test_python_api.py runs them in the host's project.

That project has a key of a real provider in its environment, and a Redis that nobody serves.
"""

import os

import pytest
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from metrics.models import GenerationMetric
from nodewise import enrichment, llm
from nodewise.testing import FakeProvider
from tests.museum.enrichments import ExhibitLabel
from tests.museum.models import Exhibit

enrichment.register(ExhibitLabel())


class CallTest(SimpleTestCase):
    def test_calls_need_no_database(self):
        with FakeProvider() as fake:
            assert "OPENAI_API_KEY" not in os.environ
            fake.says(lambda asked: asked.text.upper())
            assert llm.generate("tools", "hello").text == "HELLO"
            assert llm.generate("tools", "hello", model="openai/gpt-4o").text == "HELLO"
            with pytest.raises(llm.NoTarget):
                llm.generate("tools", "hello", model="tier:cloud_fast")
            assert "".join(llm.stream("tools", "two  words\nmore")) == "TWO  WORDS\nMORE"
            assert fake.requests("hello", node="tools")
            with pytest.raises(AssertionError, match=r"Asked 0 times.*tools: 'two  words"):
                fake.assert_asked("good-bye")
            with pytest.raises(AssertionError, match="Asked 2 times, not 1 times with 'hello'"):
                fake.assert_asked("hello", times=1)
            with pytest.raises(AssertionError, match="Asked 3 times"):
                fake.assert_not_asked()
        assert "OPENAI_API_KEY" in os.environ

    def test_failures_are_as_in_production(self):
        with FakeProvider() as fake:
            fake.fails(429, times=2)
            assert llm.generate("tools", "hello").text == "Fine."
            fake.fails(503)
            with pytest.raises(llm.GenerationExhausted):
                llm.generate("tools", "hello")
            with pytest.raises(llm.UnknownNode):
                llm.generate("no_such_node", "hello")

    def test_a_schema_wants_an_answer_of_the_test(self):
        schema = {"type": "object", "properties": {"city": {"type": "string"}}}
        with FakeProvider() as fake:
            with pytest.raises(llm.GenerationRefused, match=r"says\(\{…\}, node='tools'\)"):
                llm.generate("tools", "Where?", schema=schema)
            fake.says({"city": "Paris"})
            assert llm.generate("tools", "Where?", schema=schema).parsed == {"city": "Paris"}
            fake.says({"city": 7}, node="tools")
            with pytest.raises(llm.AnswerInvalid):
                llm.generate("tools", "Where?", schema=schema)

    async def test_on_an_event_loop(self):
        with FakeProvider() as fake:
            fake.says("Good morning.")
            async with llm.astream("tools", "hello") as pieces:
                assert [piece async for piece in pieces] == ["Good", " morning."]
            assert pieces.generation.text == "Good morning."
            assert len(await llm.aembed(["a", "b"])) == 2
            with pytest.raises(RuntimeError, match=r"Await astream\(\)"):
                llm.stream("tools", "hello")


class RowTest(TestCase):
    def setUp(self):
        self.llm = self.enterContext(FakeProvider())
        self.llm.says("A vase with a dragon on it.", node="exhibit_label")
        self.exhibit = Exhibit.objects.create(title="Vase", notes="A vase with a dragon on it.")

    def test_one_row_in_a_transaction(self):
        assert enrichment.enrich_one(ExhibitLabel, self.exhibit).state == "applied"
        self.exhibit.refresh_from_db()
        assert self.exhibit.label_text == "A vase with a dragon on it."

    async def test_one_row_on_an_event_loop(self):
        made = await enrichment.aenrich_one("exhibit_label", self.exhibit.pk)
        assert made.value == "A vase with a dragon on it."


class RecordTest(TestCase):
    def test_calls_are_stored_where_the_test_wants_it(self):
        for records, stored in ((False, 0), (True, 3)):
            with FakeProvider(records=records):
                llm.generate("tools", "hello")
                "".join(llm.stream("tools", "hello"))
                next(llm.stream("tools", "hello"))  # and leaves
            assert GenerationMetric.objects.count() == stored


class BatchTest(TransactionTestCase):
    def test_a_batch_that_is_waited_for(self):
        with FakeProvider() as fake:
            fake.says("A vase.")
            rows = [Exhibit(title=f"Vase {number}", notes="A vase.") for number in range(3)]
            Exhibit.objects.bulk_create(rows)
            batch = enrichment.run(ExhibitLabel, cap_usd="0.50", wait=True)
            assert (batch.status, batch.rows_total) == ("completed", 3)
            assert enrichment.progress(batch.pk).cost_usd > 0
            fake.assert_asked(node="exhibit_label", times=3)
