"""For a project's own tests: a provider that answers on this machine, and what it was asked.

    with FakeProvider() as llm:
        llm.says("Hello.")
        ...
        llm.assert_asked("Greet")

While it is active the whole process goes by a configuration of its own: every node of the project
leads to it, and nothing reaches another provider. It needs no key, no rows and no network but the
loopback interface. docs/python-api.md shows it with pytest and with Django's TestCase.
"""

from nodewise.testing.fake_provider import Asked, FakeProvider

__all__ = ["Asked", "FakeProvider"]
