"""`sync_llm_config` against the real table: what it writes, logs, prints and exits with."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmconfig.configuration.revisions import change
from llmconfig.configuration.sync.export import export
from llmconfig.configuration.sync.nodes_file import parse
from llmconfig.configuration.sync.writing import sync
from llmconfig.models import ConfigVersion, InteractionType, NodeConfiguration, Provider, Revision
from tests.forks import forked

pytestmark = pytest.mark.django_db

SHIPPED = Path(django_settings.BASE_DIR) / "fixtures" / "llm_nodes.yaml"
START = "intent_classification:\n  default_model: gpt-4o\n  langsmith_tracing: false\n"


@pytest.fixture
def nodes(tmp_path, settings):
    """The nodes file: call it with a new text."""
    path = tmp_path / "llm_nodes.yaml"
    settings.LLM_NODES_FILE = str(path)
    path.write_text(START)
    return path


def model() -> str:
    return NodeConfiguration.objects.get(node_name="intent_classification").default_model


def set_in_database(value: str) -> None:
    with change(source="admin"):
        NodeConfiguration.objects.filter(node_name="intent_classification").update(
            default_model=value
        )


def run_json(capsys, *flags):
    capsys.readouterr()
    call_command("sync_llm_config", "--json", *flags)
    return json.loads(capsys.readouterr().out)


def table() -> list[dict[str, Any]]:
    """All that a person sees of the nodes."""
    rows = NodeConfiguration.objects.order_by("id").values()
    return [{name: value for name, value in row.items() if name != "synced_values"} for row in rows]


def exit_code(*flags: str) -> int:
    try:
        call_command("sync_llm_config", *flags)
    except CommandError as error:
        return error.returncode
    return 0


def test_the_shipped_file_syncs_with_the_log_lines_of_the_guide_and_a_second_run_is_silent(
    caplog, settings
):
    settings.LLM_NODES_FILE = str(SHIPPED)
    caplog.set_level(logging.INFO, logger="llmconfig.configuration.sync")
    call_command("sync_llm_config")
    total = NodeConfiguration.objects.count()
    assert caplog.messages[0].startswith("Loading LLM configurations from...")
    assert caplog.messages[-1].startswith(
        f"LLM config sync complete: {total} total, {total} created, 0 updated"
    )
    before = (Revision.objects.count(), ConfigVersion.objects.get().token)
    rows = list(NodeConfiguration.objects.values())
    call_command("sync_llm_config")
    assert caplog.messages[-1].endswith(f"0 created, 0 updated, {total} unchanged")
    assert (Revision.objects.count(), ConfigVersion.objects.get().token) == before
    assert list(NodeConfiguration.objects.values()) == rows


def test_the_guides_select_runs_as_printed(nodes):
    call_command("sync_llm_config")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT node_name, default_model, langsmith_tracing FROM llm_node_configuration;"
        )
        assert cursor.fetchall() == [("intent_classification", "gpt-4o", False)]


def test_every_enrichment_has_a_node_that_leaves_the_model_to_its_interaction_type():
    shipped = {node.name: node.values for node in parse(SHIPPED.read_text())}
    ranges = {
        "description_cleaning": (0.2, 0.4),
        "dog_profiler": (0.7, 0.9),
        "translation": (0.1, 0.3),
    }
    for name in [*ranges, "tagging", "entity_extraction", "respond"]:
        assert "default_model" not in shipped[name]
    for name, (least, most) in ranges.items():
        assert least <= shipped[name]["default_temperature"] <= most
    examples = {"intent_classification", "email_classification", "summary_generator"}
    assert examples <= shipped.keys()


def test_a_change_in_the_file_is_taken_as_one_revision_that_says_yaml(nodes, capsys):
    call_command("sync_llm_config")
    nodes.write_text(START.replace("gpt-4o", "qwen-32b"))
    report = run_json(capsys)
    assert (model(), report["updated"]) == ("qwen-32b", ["intent_classification"])
    assert Revision.objects.get(number=report["revision"]).source == "yaml"


def test_a_change_in_the_database_is_kept_and_shown_as_drift(nodes, caplog):
    call_command("sync_llm_config")
    set_in_database("qwen-32b")
    call_command("sync_llm_config")
    assert model() == "qwen-32b"
    assert any("changed in the database" in message for message in caplog.messages)
    assert exit_code("--check") == 1
    call_command("sync_llm_config", "--take", "yaml")
    assert (model(), exit_code("--check")) == ("gpt-4o", 0)


def test_a_check_says_whether_a_sync_settles_it_or_a_person(nodes):
    with pytest.raises(CommandError, match=r"sync_llm_config`.* brings it in"):
        call_command("sync_llm_config", "--check")
    call_command("sync_llm_config")
    set_in_database("qwen-32b")
    with pytest.raises(CommandError, match="let the file win with --take yaml"):
        call_command("sync_llm_config", "--check")


def test_a_conflict_is_reported_and_start_up_takes_the_file(nodes, caplog):
    call_command("sync_llm_config")
    set_in_database("qwen-32b")
    nodes.write_text(START.replace("gpt-4o", "gpt-4o-mini"))
    assert exit_code("--check") == 2
    assert model() == "qwen-32b"
    call_command("sync_llm_config")
    assert model() == "gpt-4o-mini"
    assert any("changed in both" in message for message in caplog.messages)


def test_a_conflict_taken_from_the_database_stays_taken(nodes):
    call_command("sync_llm_config")
    set_in_database("qwen-32b")
    nodes.write_text(START.replace("gpt-4o", "gpt-4o-mini"))
    call_command("sync_llm_config", "--take", "db")
    call_command("sync_llm_config")
    assert (model(), exit_code("--check")) == ("qwen-32b", 1)


def test_a_dry_run_shows_the_diff_and_writes_nothing(nodes, capsys):
    call_command("sync_llm_config")
    nodes.write_text(START.replace("gpt-4o", "qwen-32b") + "other: {}\n")
    call_command("sync_llm_config", "--dry-run")
    out = capsys.readouterr().out
    assert 'default_model: "gpt-4o" -> "qwen-32b" (changed in the file)' in out
    assert "other (new)" in out
    assert (model(), NodeConfiguration.objects.count()) == ("gpt-4o", 1)
    assert exit_code("--check") == 1


def test_an_absent_field_is_left_alone_and_null_makes_it_blank(nodes):
    call_command("sync_llm_config")
    nodes.write_text("intent_classification:\n  langsmith_tracing: true\n")
    call_command("sync_llm_config")
    assert model() == "gpt-4o"
    nodes.write_text("intent_classification:\n  default_model: null\n")
    call_command("sync_llm_config", "--take", "yaml")
    assert model() == ""


def test_prune_removes_only_nodes_that_a_sync_made(nodes, capsys):
    with change(source="admin"):
        NodeConfiguration.objects.create(node_name="adopted")
        NodeConfiguration.objects.create(node_name="by_hand")
    nodes.write_text(START + "adopted: {description: x}\nkept: {}\n")
    call_command("sync_llm_config")
    nodes.write_text("kept: {}\n")
    assert run_json(capsys)["left_file"] == ["intent_classification"]
    assert NodeConfiguration.objects.count() == 4
    assert exit_code("--check", "--prune") == 1
    assert run_json(capsys, "--prune")["removed"] == ["intent_classification"]
    left = set(NodeConfiguration.objects.values_list("node_name", flat=True))
    assert left == {"adopted", "by_hand", "kept"}


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [(None, "WARNING", "does not exist"), ("n:\n\tx: 1\n", "ERROR", "line 2: there is a tab")],
    ids=["missing", "invalid"],
)
def test_a_missing_or_invalid_file_lets_the_process_start_and_fails_for_people(
    nodes, caplog, text, level, says
):
    call_command("sync_llm_config")
    rows = list(NodeConfiguration.objects.values())
    nodes.unlink() if text is None else nodes.write_text(text)
    caplog.clear()
    assert exit_code() == 0
    assert [each.levelname for each in caplog.records if says in each.message] == [level]
    for flag in ("--check", "--dry-run", "--strict"):
        with pytest.raises(CommandError, match=says):
            call_command("sync_llm_config", flag)
    assert list(NodeConfiguration.objects.values()) == rows


TAKEN = "this is the name of a provider, and calls by name would be ambiguous; choose another."


def test_mistakes_of_the_file_and_models_that_nobody_lists_are_told_in_one_run(
    nodes, tmp_path, capsys
):
    provider = Provider.objects.create(name="openai", provider_type="openai")
    provider.models.create(model_id="gpt-4o")
    nodes.write_text("a:\n  default_temperature: 9\n  default_model: gpt-4x\n  temperature: 1\n")
    other = tmp_path / "other.yaml"
    other.write_text("a: {}\nopenai: {}\nb: {fallbacks: [gpt-4p], judge_model: gpt-4q}\n")
    wanted = [
        f"{nodes}: line 2: a.default_temperature: 9 is out of range; use 0 to 2.",
        f"{nodes}: line 4: a.temperature: unknown field. Did you mean default_temperature?",
        f"{other}: line 1: a: other.yaml holds this as well as another file; keep one of them.",
        f"{other}: line 2: openai: {TAKEN}",
    ]
    for number, (place, name) in enumerate(
        [
            (f"{nodes}: line 3: a.default_model", "gpt-4x"),
            (f"{other}: line 3: b.fallbacks", "gpt-4p"),
            (f"{other}: line 3: b.judge_model", "gpt-4q"),
        ],
        len(wanted),
    ):
        text = (
            f"{place}: No enabled provider lists '{name}'. Did you mean openai/gpt-4o?"
            " If it exists all the same, set allow_unlisted_models."
        )
        wanted.insert(number, text)
    files = (f"--file={nodes}", f"--file={other}")
    for flag in ("--check", "--dry-run", "--strict"):
        with pytest.raises(CommandError) as refused:
            call_command("sync_llm_config", flag, *files)
        assert str(refused.value).splitlines() == wanted
    error = run_json(capsys, *files)["error"]
    assert [each["file"] for each in error["problems"]].count(str(nodes)) == 3
    assert [error["problems"][0][name] for name in ("line", "field")] == [
        2,
        "a.default_temperature",
    ]
    assert not NodeConfiguration.objects.exists()


def test_a_node_is_not_blamed_for_its_model_whose_own_lines_are_wrong(nodes):
    nodes.write_text(
        "providers:\n  openai: {provider_type: openai}\n"
        "models:\n  openai/gpt-4o: {tier: 4}\n"
        "a: {default_model: openai/gpt-4o}\n"
    )
    with pytest.raises(CommandError) as refused:
        call_command("sync_llm_config", "--check")
    assert [line.split(": ")[2] for line in str(refused.value).splitlines()] == [
        "models.openai/gpt-4o.tier"
    ]


def test_all_rows_of_a_section_that_may_not_be_are_told_at_once(nodes):
    nodes.write_text("models:\n  nowhere/a: {}\n  nowhere/b: {}\nbudgets:\n  x:\n    scope: node\n")
    with pytest.raises(CommandError) as refused:
        call_command("sync_llm_config", "--check")
    assert [line.split(": ")[1:3] for line in str(refused.value).splitlines()] == [
        ["line 2", "models.nowhere/a"],
        ["line 3", "models.nowhere/b"],
    ]


def test_a_bad_last_node_leaves_the_first_ones_unwritten(nodes):
    nodes.write_text("first: {}\nsecond: {default_temperature: 9}\n")
    call_command("sync_llm_config")
    assert not NodeConfiguration.objects.exists()


def test_a_new_node_may_not_take_a_providers_name(nodes):
    Provider.objects.create(name="openai", provider_type="openai")
    nodes.write_text("a: {}\nopenai: {}\n")
    with pytest.raises(CommandError, match="line 2: openai: this is the name of a provider"):
        call_command("sync_llm_config", "--strict")
    assert not NodeConfiguration.objects.exists()


def test_a_secret_in_the_table_is_not_exported():
    NodeConfiguration.objects.create(node_name="n", description="sk-" + "a1" * 12)
    with pytest.raises(CommandError, match="looks like a secret") as refused:
        call_command("sync_llm_config", "--export")
    assert "a1a1" not in str(refused.value)


# Anything that PostgreSQL stores, and the characters that YAML treats in a way of its own.
texts = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=60
) | st.text("\x85\u2028\u2029\ufeff\n\r\t '\":#-a\x07", max_size=20)
references = st.text("abcXYZ019:./_-", max_size=30).filter(
    lambda text: not text.startswith("/") and not text.endswith(("/", ":"))
)
temperatures = st.none() | st.floats(0, 2)
tokens = st.none() | st.integers(1, 2_147_483_647)


@given(
    rows=st.dictionaries(
        st.from_regex(r"\A[a-zA-Z][a-zA-Z0-9_.-]{0,20}\Z").filter(
            lambda name: name not in InteractionType.values
        ),
        st.fixed_dictionaries(
            {
                "interaction_type": st.sampled_from(InteractionType.values),
                "default_model": references,
                "default_temperature": temperatures,
                "default_max_tokens": tokens,
                "langsmith_tracing": st.booleans(),
                "description": texts,
                "azure_model": references,
                "azure_temperature": temperatures,
                "azure_max_tokens": tokens,
                "fallbacks": st.lists(references.filter(bool), max_size=3),
                "cascade_model": references,
                "cascade_score": st.sampled_from(["", "confidence", "gates"]),
                "cascade_target": st.none() | st.sampled_from([0.5, 0.95, 0.999]),
                "cascade_audits": st.none() | st.sampled_from([0.01, 0.3]),
            }
        ),
        max_size=4,
    ),
    owned=st.sets(st.sampled_from(["default_model", "default_temperature", "fallbacks"])),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_export_syncs_to_no_change(tmp_path, rows, owned):
    with change(source="shell"):
        NodeConfiguration.objects.all().delete()
        NodeConfiguration.objects.bulk_create(
            NodeConfiguration(node_name=name, synced_values=dict.fromkeys(owned, None), **columns)
            for name, columns in rows.items()
        )
    before = table()
    path = tmp_path / "exported.yaml"
    path.write_bytes(export().encode())
    plan = sync(path)
    assert (plan.revision, plan.differences) == (None, [])
    assert table() == before


@pytest.mark.django_db(transaction=True)
def test_five_processes_that_start_at_once_make_one_revision(nodes):
    nodes.write_text(SHIPPED.read_text())
    program = (
        "import os; from django.db import connection; from pathlib import Path;"
        "from llmconfig.configuration.sync.writing import sync; connection.ensure_connection();"
        "say('ready'); os.read(0, 1);"
        f"say(sync(Path({str(nodes)!r})).totals)"
    )
    with forked(program, 5) as processes:
        assert processes.stdout is not None
        assert [processes.stdout.readline() for _ in range(5)] == ["ready\n"] * 5
        answers = processes.communicate("12345")[0].splitlines()
    assert processes.returncode == 0, answers
    total = NodeConfiguration.objects.count()
    created = f"{total} total, {total} created, 0 updated, 0 unchanged"
    same = f"{total} total, 0 created, 0 updated, {total} unchanged"
    assert sorted(answers) == sorted([created, *[same] * 4])
    assert Revision.objects.count() == 1
