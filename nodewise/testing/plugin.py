"""The pytest fixture `fake_llm`; pytest finds it by itself where nodewise is installed."""

from collections.abc import Iterator

import pytest

from nodewise.testing.fake_provider import FakeProvider


@pytest.fixture
def fake_llm() -> Iterator[FakeProvider]:
    """A provider that answers all calls of the test on this machine; see `nodewise.testing`."""
    with FakeProvider() as provider:
        yield provider
