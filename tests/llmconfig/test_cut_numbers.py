"""Numbers at which an answer breaks off are never taken for whole.

anthropic 2.11.0's streams and langchain-core 1.8.3's take the first for 15 cents
(findings/anthropic_stream_helper_completes_a_cut_tool_call.sh and
findings/langchain_agent_runs_a_cut_call_once_it_streams.sh).
"""

from typing import Any

import pytest

from llmconfig.client.json_schema.cut import whole_parts


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ('{"order": 77, "cents": 15', {"order": 77}),
        ('{"order": 77, "cents": 15.', {"order": 77}),
        ('{"order": 77, "cents": 15e', {"order": 77}),
        ('{"order": 77, "cents": -', {"order": 77}),
        ('{"order": 77, "cents": 15\n', {"order": 77, "cents": 15}),
        ('{"order": 77, "cents": 1500, "note": "brok', {"order": 77, "cents": 1500}),
        ('{"order": 77, "paid": true', {"order": 77}),
        ('{"order": 77, "cents": 15}', {"order": 77, "cents": 15}),
    ],
)
def test_only_what_cannot_go_on_is_whole(text: str, members: dict[str, Any]) -> None:
    assert whole_parts(text).members == members


@pytest.mark.parametrize(("text", "elements"), [("[12, 34", [12]), ("[12, 34]", None)])
def test_so_it_is_in_lists(text: str, elements: list[int] | None) -> None:
    found = whole_parts(f'{{"ids": {text}')
    if elements is None:
        assert found.members == {"ids": [12, 34]}
    else:
        assert found.lists == {"ids": elements}
