"""Whom PostgreSQL runs as. It refuses to run as root, and a demo is often tried as root.

Root enters a user namespace in which it is an ordinary user: the files stay root's. Where
that is refused (most containers), the child becomes `nobody` and keeps only the right to pass
directories that are closed to others, because the checkout may lie in one.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from project.embedded.children import prctl
from project.embedded.errors import NotStarted

CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """How a child becomes someone else (None: it need not) and whose files it can own."""

    become: Callable[[], None] | None
    uid: int

    def own(self, directory: Path) -> None:
        """Hand `directory` and all in it to this identity, if it belongs to another."""
        if not directory.exists() or directory.stat().st_uid == self.uid:
            return
        for path in (directory, *directory.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


def unprivileged(program: str, *, directory: Path) -> Identity:
    """An identity that isn't root, can run `program` and can write `directory`.

    Raises NotStarted when this machine allows none.
    """
    if os.geteuid() != 0:
        return Identity(None, os.geteuid())
    for identity in (Identity(_enter_user_namespace, 0), Identity(_become_nobody, NOBODY)):
        if _works(identity, program, directory):
            return identity
    raise NotStarted(
        "PostgreSQL refuses to run as root, and this machine allows neither a user namespace"
        " nor the user nobody. Run as an ordinary user, or set DATABASE_URL."
    )


def _works(identity: Identity, program: str, directory: Path) -> bool:
    def become() -> None:
        if identity.become is not None:
            identity.become()
        if identity.uid == 0 and not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(directory)

    try:
        subprocess.run(
            [program, "--version"],
            preexec_fn=become,
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1")


def _become_nobody() -> None:
    prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    _keep_only(CAP_DAC_OVERRIDE)


def _keep_only(capability: int) -> None:
    """Reduce all capability sets to one, which also survives exec (the ambient set)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    # Two records of (effective, permitted, inheritable), for the low and the high 32 bits.
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)
