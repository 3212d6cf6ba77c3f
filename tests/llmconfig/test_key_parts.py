"""Parts of keys in texts: short and long texts are looked through in two ways, with one result."""

import base64

import pytest

from llmconfig.client.credentials import key_parts
from llmconfig.client.credentials.redaction import Scrubber
from llmconfig.secrets import MASK, Secret

# Of a vendor's length, with characters that mean something in a pattern.
LONG = "sk-proj-" + "".join(f"{each:03d}.+(Z_" for each in range(20))
KEYS = ("sk-test-0123456789abcdef", LONG)
LISTING = "Bella weighs 42 lbs, loves long walks and is good with children. " * 40
CUTS = (0, 9, 700, len(LISTING))


@pytest.fixture(params=[0, 10**9], ids=["in_one_go", "block_by_block"])
def _looked_for(request, monkeypatch):
    monkeypatch.setattr(key_parts, "MANY_LOOKS", request.param)


@pytest.mark.usefixtures("_looked_for")
@pytest.mark.parametrize("key", KEYS, ids=["short", "vendor"])
@pytest.mark.parametrize("at", CUTS)
def test_each_part_of_twelve_characters_is_masked(key, at):
    scrubber = Scrubber(Secret(key))
    for begin in range(len("sk-proj-"), len(key) - 12):
        part = key[begin : begin + 12]
        said = scrubber.redacted(f"{LISTING[:at]} {part} {LISTING[at:]}")
        assert said == f"{LISTING[:at]} {MASK} {LISTING[at:]}"


@pytest.mark.usefixtures("_looked_for")
def test_the_key_in_base64_and_beside_half_a_pair_of_surrogates_is_masked():
    scrubber = Scrubber(Secret(LONG))
    encoded = base64.b64encode(f"key={LONG};".encode()).decode()
    assert encoded[20:60] not in scrubber.redacted(LISTING + encoded)
    assert LONG not in scrubber.redacted(f"{LISTING} \ud83d {LONG}")


@pytest.mark.usefixtures("_looked_for")
@pytest.mark.parametrize("key", KEYS, ids=["short", "vendor"])
def test_a_text_without_any_part_is_the_same_object(key):
    assert Scrubber(Secret(key)).redacted(LISTING) is LISTING


def test_a_key_of_more_blocks_than_are_looked_for_in_one_go_is_masked():
    key = "".join(f"{each:06d}" for each in range(1500))
    scrubber = Scrubber(Secret(key))
    assert scrubber.redacted(f"{LISTING}{key[6000:6040]}.") == f"{LISTING}{MASK}."
    assert scrubber.redacted(LISTING) is LISTING
