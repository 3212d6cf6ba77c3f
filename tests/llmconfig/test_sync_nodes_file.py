"""The strict reading of a nodes file: each refusal with its line and field."""

import pytest

from llmconfig.configuration.sync import nodes_file
from llmconfig.configuration.sync.nodes_file import parse
from llmconfig.configuration.sync.strict_yaml import Problems
from llmconfig.errors import NodesFileInvalid

KEY = "sk-" + "proj4bcdefghij0123456789"


def in_node(line: str) -> str:
    return f"# nodes\nn:\n  description: x\n  {line}\n"


REFUSED = [
    ("a duplicate node", "a: {}\nb: {}\na: {}\n", 3, "a", "already on line 1"),
    ("a duplicate field", in_node("description: y"), 4, "n.description", "already on line 3"),
    ("a python tag", in_node("provider: !!python/object:os.system x"), 4, "", "tag"),
    ("a standard tag", in_node('default_model: !!str "4"'), 4, "", "tag"),
    ("an anchor", in_node("default_model: &m gpt-4o"), 4, "", "anchor"),
    ("an alias", "a: {description: x}\nb: *a\n", 2, "", "alias"),
    ("not a number", in_node("default_temperature: .nan"), 4, "n.default_temperature", "number"),
    ("infinity", in_node("azure_temperature: -.inf"), 4, "n.azure_temperature", "number"),
    ("a tab", "n:\n\tdescription: x\n", 2, "", "tab"),
    ("a tab before a value", in_node("default_model:\tgpt-4o\t# x"), 4, "", "tab"),
    ("a list at the top", "# x\n- a\n", 2, "", "mapping"),
    ("text at the top", "hello\n", 1, "", "mapping"),
    ("an empty file", "# nothing\n", 0, "", "no nodes"),
    ("a second document", "a: {}\n---\nb: {}\n", 2, "", "second document"),
    ("a node without fields", "a: {}\nn:\n", 2, "n", "mapping of fields"),
    ("a misspelt field", in_node("defualt_model: x"), 4, "n.defualt_model", "default_model?"),
    ("a short field", in_node("temperature: 1"), 4, "n.temperature", "default_temperature?"),
    ("a strange field", in_node("zzz: 1"), 4, "n.zzz", "A node has"),
    ("a merge key", in_node("<<: {description: y}"), 4, "n.<<", "unknown field"),
    ("a key that is a list", in_node("[a]: 1"), 4, "n", "plain word"),
    (
        "quoted temperature",
        in_node('default_temperature: "0.2"'),
        4,
        "n.default_temperature",
        "text",
    ),
    (
        "bool number",
        in_node("default_temperature: true"),
        4,
        "n.default_temperature",
        "number",
    ),
    ("too hot", in_node("default_temperature: 2.1"), 4, "n.default_temperature", "0 to 2"),
    (
        "too cold",
        in_node("default_temperature: -0.1"),
        4,
        "n.default_temperature",
        "0 to 2",
    ),
    ("a sexagesimal", in_node("default_temperature: 1:30"), 4, "n.default_temperature", "number"),
    ("bool tokens", in_node("default_max_tokens: true"), 4, "n.default_max_tokens", "whole"),
    ("broken tokens", in_node("default_max_tokens: 1.5"), 4, "n.default_max_tokens", "whole"),
    ("octal tokens", in_node("default_max_tokens: 010"), 4, "n.default_max_tokens", "whole"),
    ("no tokens", in_node("default_max_tokens: 0"), 4, "n.default_max_tokens", "range"),
    (
        "tokens",
        in_node("azure_max_tokens: " + "9" * 9999),
        4,
        "n.azure_max_tokens",
        "range",
    ),
    ("a number as model", in_node("default_model: 4"), 4, "n.default_model", '"4"'),
    ("a date as text", in_node("azure_model: 2024-01-01"), 4, "n.azure_model", '"2024-01-01"'),
    ("a target of 1", in_node("cascade_target: 1"), 4, "n.cascade_target", "0.5 to 0.999"),
    ("an unknown score", in_node("cascade_score: luck"), 4, "n.cascade_score", "score of a"),
    ("yes as a switch", in_node("langsmith_tracing: yes"), 4, "n.langsmith_tracing", "true or"),
    ("a quoted switch", in_node('langsmith_tracing: "true"'), 4, "n.langsmith_tracing", "quotes"),
    ("a list as model", in_node("default_model: [a]"), 4, "n.default_model", "a list"),
    ("a space in a model", in_node("default_model: gpt 4"), 4, "n.default_model", "space"),
    ("a nameless tier", in_node('default_model: "tier:"'), 4, "n.default_model", "cut off"),
    ("a long model", in_node("default_model: " + "m" * 201), 4, "n.default_model", "200"),
    ("a mapping as text", "n:\n  description:\n    a: 1\n", 3, "n.description", "a mapping"),
    ("NUL", in_node('azure_model: "a\\0"'), 4, "n.azure_model", "character"),
    ("half a pair", in_node('azure_model: "\\uD800"'), 4, "n.azure_model", "character"),
    ("a raw control character", "a: {}\nb: {description: \x07}\n", 2, "", "U+0007"),
    ("a provider's label", in_node("provider: Open AI"), 4, "n.provider", "no provider's name"),
    ("an unknown type", in_node("interaction_type: taggr"), 4, "n.interaction_type", "tagger?"),
    ("one fallback", in_node("fallbacks: gpt-4o"), 4, "n.fallbacks", "list"),
    ("a blank fallback", in_node("fallbacks: [gpt-4o, null]"), 4, "n.fallbacks", "blank"),
    ("too deep", in_node("fallbacks: [[[[a]]]]"), 4, "", "too deep"),
    ("a type's name", "a: {}\ntagger: {}\n", 2, "tagger", "interaction type"),
    ("a bad node name", "a: {}\n1st: {}\n", 2, "1st", "Start with a letter"),
    ("nodes in a section", "nodes:\n  tagging: {description: x}\n", 1, "nodes", "no section of"),
    ("a long node name", "n" * 101 + ": {}\n", 1, "n" * 100, "at most 100"),
    ("a key in a value", in_node(f"azure_model: {KEY}"), 4, "", "secret"),
    ("a key in a comment", in_node(f"azure_model: m  # {KEY}"), 4, "", "secret"),
    ("a field for a key", in_node("API-Key: x"), 4, "n.API-Key", "Secrets"),
    # Where a key is sent is no business of this file: it could not ask for the key again.
    ("an address", in_node("api_base_url: https://x.example"), 4, "n.api_base_url", "unknown"),
    ("a key at the top", "a: {}\npassword: x\n", 2, "password", "Secrets"),
    ("an open quote", 'a: {}\nn:\n  description: "x\n\n\n', 3, "", "not valid YAML"),
    (
        "a bare colon",
        "n:\n  description: he said: no\n",
        2,
        "",
        "put the text into quotation marks",
    ),
    ("an open bracket", "n: {\n", 2, "", "not valid YAML"),
    ("a depth bomb", "a: " + "[" * 100_000, 1, "", "too deep"),
]


@pytest.mark.parametrize(
    ("text", "line", "field", "says"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_wrong_file_is_refused_with_line_and_field(text, line, field, says):
    with pytest.raises(NodesFileInvalid) as refused:
        parse(text)
    message = str(refused.value)
    assert (refused.value.line, refused.value.field) == (line, field), message
    assert says in message
    assert "\n" not in message
    assert KEY not in message
    if line:
        assert message.startswith(f"line {line}: ")


MISTAKES = """\
a: {}
a: {}
b:
  temperature: 1
  default_max_tokens: many
  fallbacks: gpt-4o
tagger:
  temprature: 1
nodes:
  c: {colour: red}
models:
  openai/gpt-4o:
    tier: 4
    prices:
      - {input: 1, output_per_1m: free}
      - 3
  gpt-4o: {tiers: 1}
budgets: 4
"""
PLACES = [
    (2, "a"),
    (4, "b.temperature"),
    (5, "b.default_max_tokens"),
    (6, "b.fallbacks"),
    (7, "tagger"),
    (8, "tagger.temprature"),
    (9, "nodes"),
    (10, "c.colour"),
    (13, "models.openai/gpt-4o.tier"),
    (15, "models.openai/gpt-4o.prices.input"),
    (15, "models.openai/gpt-4o.prices.output_per_1m"),
    (16, "models.openai/gpt-4o.prices"),
    (17, "models.gpt-4o"),
    (17, "models.gpt-4o.tiers"),
    (18, "budgets"),
]


def test_all_mistakes_of_a_file_are_told_at_once_each_with_its_place():
    with pytest.raises(NodesFileInvalid) as refused:
        parse(MISTAKES)
    problems = refused.value.problems
    assert [(each.line, each.field) for each in problems] == PLACES
    assert str(refused.value).splitlines() == [str(each) for each in problems]


def test_all_that_yaml_may_do_and_a_nodes_file_may_not_is_told_at_once():
    text = "a: &x {description: !!str y}\nb: *x\nc: &x {}\nd: *unknown\n"
    with pytest.raises(NodesFileInvalid) as refused:
        parse(text)
    said = [str(each).split(";")[0].split(" a ")[0] for each in refused.value.problems]
    assert said == [
        "line 1: &x is an anchor",
        "line 1: tag:yaml.org,2002:str is",
        "line 2: *x is an alias",
        "line 3: &x is an anchor",
        "line 4: *unknown is an alias",
    ]


def test_each_line_with_a_secret_is_told_and_nothing_else_that_could_quote_it():
    with pytest.raises(NodesFileInvalid) as refused:
        parse(f"a:\n  azure_model: {KEY}\n  temperature: 1\n# {KEY}\n")
    assert [each.line for each in refused.value.problems] == [2, 4]
    assert KEY not in str(refused.value)


def test_a_good_file_is_read_with_null_as_blank_and_absent_fields_absent():
    (node,) = parse(
        "n:\n"
        "  interaction_type: null\n"
        "  provider: openai\n"
        '  default_model: "openai/gpt-4o"\n'
        "  default_temperature: 1\n"
        "  default_max_tokens: ~\n"
        "  langsmith_tracing: true\n"
        "  description: |\n    two\n    lines\n"
        "  fallbacks: [tier:local, gpt-4o-mini]\n"
    )
    assert (node.name, node.line) == ("n", 1)
    assert dict(node.values) == {
        "interaction_type": "reasoning",
        "provider": "openai",
        "default_model": "openai/gpt-4o",
        "default_temperature": 1.0,
        "default_max_tokens": None,
        "langsmith_tracing": True,
        "description": "two\nlines\n",
        "fallbacks": ["tier:local", "gpt-4o-mini"],
    }


def test_a_node_may_be_called_nodes_and_a_misnamed_one_is_none_of_the_entries(tmp_path):
    assert [each.name for each in parse("nodes:\n  description: x\n")] == ["nodes"]
    path, problems = tmp_path / "nodes.yaml", Problems()
    path.write_text("tagger: {}\nproviders:\n  Open AI: {}\na: {}\n")
    assert [each.name for each in nodes_file.read(path, problems)] == ["a"]
    assert [each.line for each in problems.found] == [1, 3]


def test_a_file_over_one_megabyte_is_refused(tmp_path):
    path = tmp_path / "nodes.yaml"
    path.write_text("n: {}\n" + "#" * 1_000_000)
    with pytest.raises(NodesFileInvalid, match="larger than 1 MB"):
        nodes_file.read(path)


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "nodes.yaml"
    path.write_bytes(b"n:\n  description: caf\xe9\n")
    with pytest.raises(NodesFileInvalid, match="line 2: not UTF-8"):
        nodes_file.read(path)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(NodesFileInvalid, match="can't be read"):
        nodes_file.read(tmp_path)
