"""The documents say what is: names, files, commands, settings, packages and columns exist."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from packaging.requirements import Requirement

from enrichment.enrichments.contract import Enrichment
from llmconfig.client.types import Call
from llmconfig.configuration.process_settings import definitions
from llmconfig.configuration.seeding import HOSTED, LOCAL_KEY_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
APPS = ("project", "nodewise", "llmconfig", "metrics", "enrichment")
CODE = ("manage.py", *(f"{app}/" for app in APPS), "tests/", "fixtures/", "requirements/", "docs/")
# Written by a command, so a fresh clone may lack it.
MADE_LATER = {"docs/performance.md"}
# Columns that other systems read by these names: they stay.
PROMISED_COLUMNS = {
    "Processing settings: `llm_config`, one row": ""
    "id provider api_key api_url model_tagger model_enricher"
    " model_analytics model_responder enabled auto_tagging auto_enrichment external_enrichment"
    " max_retries retry_delay backup_provider backup_model batch_size concurrent_tasks"
    " cache_responses min_confidence_tagging min_confidence_entity",
    "Nodes: `llm_node_configuration`": "node_name default_model default_temperature"
    " default_max_tokens langsmith_tracing description azure_model azure_temperature"
    " azure_max_tokens",
    "Listings: `animals`": "enriched_description dog_profiler_data translations llm_processed_at"
    " llm_model_used",
    "Calls: `llm_generation_metrics`": "id correlation_id session_id node_type service_name"
    " method_name operation_type tier model_used tokens_input tokens_output tokens_total"
    " latency_ms cost_usd syntax_valid onex_compliant has_type_hints security_issues"
    " finish_reason truncated prompt_length response_length created_at",
    "Tiers: `llm_context_windows`": "id tier model_name max_tokens cost_per_1m_input_usd"
    " cost_per_1m_output_usd supports_streaming is_active updated_at",
    "Prompts and answers: `llm_generation_history`": ""
    "id correlation_id node_type method_name prompt_text"
    " generated_code quality_score validation_passed user_accepted user_feedback"
    " manual_edits_required created_at",
    "Patterns: `llm_patterns`": "id pattern_type node_type pattern_data usage_count"
    " avg_quality_score created_at last_used_at",
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def parts(name: str) -> dict[str, str]:
    """A document by its second-level headings."""
    pieces = re.split(r"^## (.+)\n", text_of(name), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def first_cells(text: str) -> list[str]:
    """What stands in backticks at the start of each row of a table."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def quoted(text: str) -> Iterator[str]:
    """What stands in backticks, without the blocks of code."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", plain)


def variables_read() -> set[str]:
    """Every variable whose name stands in our code where the environment is read."""
    settings = r'(?:text_or_file|boolean|whole_number|words|env\.str|env\.db)\(\s*"([A-Z_]+)"'
    elsewhere = r'environ(?:ment)?(?:\.get\(|\[)"([A-Z_]+)"'
    found = set(re.findall(settings, text_of("project/settings.py")))
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            found |= set(re.findall(elsewhere, path.read_text()))
    found |= {definition.variable for definition in definitions()}
    found |= {*HOSTED.values(), LOCAL_KEY_VARIABLE}
    # Passed from one of our processes to its own child, and the loader's own.
    return found - {"MODEL_SERVER_API_KEY", "LD_LIBRARY_PATH"}


def test_every_variable_that_is_read_is_documented_once_and_nothing_else():
    documented = first_cells(text_of("docs/settings.md"))
    assert len(documented) == len(set(documented))
    assert set(documented) == variables_read()


def test_documented_defaults_of_calls_and_batches_are_true():
    rows = dict(
        re.findall(
            r"^\| `([A-Z_]+)` \| `?([^`|]+?)`? \|",
            parts("docs/settings.md")["Calls and batches"],
            flags=re.MULTILINE,
        )
    )
    said = {
        definition.variable: str(definition.default).lower() or "none"
        for definition in definitions()
    }
    assert rows == said


@pytest.mark.parametrize(
    ("part", "extra"),
    [
        ("Core", ""),
        ("Demo", "demo"),
        ("Site", "site"),
        ("Development", "dev"),
    ],
)
def test_each_direct_dependency_has_its_line(part, extra):
    whole = tomllib.loads(text_of("pyproject.toml"))
    project, groups = whole["project"], whole["dependency-groups"]
    extras = {**project["optional-dependencies"], **groups}
    asked = extras[extra] if extra else project["dependencies"]
    names = [Requirement(text).name for text in asked]
    assert first_cells(parts("docs/dependencies.md")[part]) == names


def test_each_package_of_an_extra_has_its_line():
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    asked = [
        (extra, Requirement(text).name)
        for extra, texts in extras.items()
        if extra != "demo"
        for text in texts
    ]
    rows = re.findall(
        r"^\| `(\w+)` \| `([\w-]+)` \|", parts("docs/dependencies.md")["Extras"], re.MULTILINE
    )
    assert rows == asked


@pytest.mark.parametrize("part", PROMISED_COLUMNS)
def test_every_promised_column_has_its_line(part):
    assert first_cells(parts("docs/data-model.md")[part]) == PROMISED_COLUMNS[part].split()


def test_every_column_and_table_of_the_data_model_exists():
    columns = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
    }
    named = set(re.findall(r"`((?:llm_|animals)\w*\.\w+)`", text_of("docs/data-model.md")))
    assert len(named) > 80
    assert named <= columns
    ours = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in APPS}
    assert [table for table in sorted(ours) if table not in text_of("docs/data-model.md")] == []


def test_the_data_model_names_every_column_of_every_table_and_no_other():
    told = {
        table: re.findall(r"`(\w+)`", columns)
        for table, columns in re.findall(
            r"^\| `(\w+)` \| (.+) \|$", parts("docs/data-model.md")["Every column"], re.MULTILINE
        )
    }
    there = {
        model._meta.db_table: [field.column for field in model._meta.concrete_fields]
        for model in apps.get_models()
        if model._meta.app_label in {*APPS, "listings"}
    }
    assert told == there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#]+)", document.read_text())
    local = [target for target in targets if "://" not in target]
    gone = [target for target in local if not (document.parent / target).exists()]
    assert gone == []


def test_every_document_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\(([\w/.-]+)\)", text_of("README.md")))
    there = {str(path.relative_to(ROOT)) for path in DOCUMENTS} - {"README.md"}
    assert there - linked == set()


def _modules(folder: Path, levels: int) -> Iterator[Path]:
    left_out = {"migrations", "static", "templates", "sql", "fixtures", "locale"}
    for path in folder.iterdir():
        if path.name in left_out or path.name.startswith("__"):
            continue
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py"))):
            yield path
            if path.is_dir() and levels > 1:
                yield from _modules(path, levels - 1)


@pytest.mark.parametrize("app", APPS)
def test_the_map_names_every_module_of_two_levels(app):
    named = set(first_cells(text_of("docs/architecture.md")))
    there = {
        f"{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}"
        for path in _modules(ROOT / app, 2)
    }
    assert there - named == set()


def test_no_document_or_docstring_cites_pages_that_readers_lack():
    cited = re.compile(r"(?<!-)\b[Ss]eed \d")
    code = (
        path
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts
    )
    found = [path for path in (*DOCUMENTS, *code) if cited.search(path.read_text())]
    assert found == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document):
    named = {
        name
        for name in quoted(document.read_text())
        if name.startswith(CODE) and re.fullmatch(r"[\w./-]+", name)
    }
    named |= set(re.findall(r"\bdocs/[\w-]+\.md\b", document.read_text()))
    assert [name for name in sorted(named - MADE_LATER) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_code_can_be_imported(document):
    for name in quoted(document.read_text()):
        is_check = re.search(r"\.[EW]\d{3}$", name)
        if re.fullmatch(rf"(?:{'|'.join(APPS)})(?:\.\w+)+", name) and not is_check:
            assert resolved(name), name


def resolved(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return bool(module) and hasattr(importlib.import_module(module), attribute)
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_commands_and_targets_exist(document):
    text = document.read_text()
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text))
    taught = set(re.findall(r"management/commands/([a-z_]+)\.py", text))  # the reader writes them
    assert commands - taught <= set(get_commands())
    code = "\n".join([*quoted(text), *re.findall(r"^make \S+", text, flags=re.MULTILINE)])
    targets = set(re.findall(r"^make ([a-z-]+)", code, flags=re.MULTILINE))
    assert targets <= set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))


def test_an_enrichment_has_what_the_checklist_asks_for():
    step = parts("CONTRIBUTING.md")["Add an enrichment"].split("\n2. ")[0]
    asked = [name for name in quoted(step) if re.fullmatch(r"[a-z]+", name)]
    known = {*Enrichment.__annotations__, *vars(Enrichment)}
    assert {"values", "accept", "prompt"} <= set(asked)
    assert set(asked) <= known


def test_the_readme_shows_code_that_a_type_checker_would_accept():
    """The example's call is made of fields that a Call has."""
    example = re.search(r"```python\n(.+?)```", text_of("README.md"), flags=re.DOTALL)
    assert example
    fields = re.findall(r"(\w+)=", example[1])
    compile(example[1], "README.md", "exec")
    assert fields
    assert set(fields) <= set(Call.__struct_fields__)
