"""The machine: which boot it is, since when it runs, and its restart."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from chaosd.helper.ends import Refused

_RESTART = 0x01234567
"""LINUX_REBOOT_CMD_RESTART of reboot(2)."""
_INITIAL = "pid:[4026531836]"
"""The machine's own pid namespace: PROC_PID_INIT_INO of the kernel's proc_ns.h."""


def boot_id(proc: Path) -> str:
    """The ID that the kernel drew when it started; a node's ``status.nodeInfo.bootID``."""
    return _read(proc / "sys/kernel/random/boot_id").strip().lower()


def uptime(proc: Path) -> float:
    """Seconds since the machine started, sleep included: what start times are counted from."""
    text = _read(proc / "uptime")
    try:
        return float(text.split()[0])
    except (ValueError, IndexError):
        raise Refused(f"{proc}/uptime says {text.strip()!r}, which is no number") from None


def must_be_outermost(proc: Path) -> None:
    """Refuse inside any other pid namespace than the machine's own.

    There reboot(2) ends that namespace's first process and restarts nothing (reboot(2), "Behavior
    inside PID namespaces"), as on a node that is itself a container.
    """
    try:
        namespace = os.readlink(proc / "self/ns/pid")
    except OSError as error:
        raise Refused(f"its pid namespace can't be told: {error}") from None
    if namespace != _INITIAL:
        raise Refused(
            f"it runs in {namespace}, not in the machine's own pid namespace, from which alone a"
            " machine can be restarted (no hostPID, or a node that is a container)"
        )


def restart() -> None:
    """Restart the machine at once: nothing is stopped, no disk is synced. Does not return.

    Raises OSError (EPERM without CAP_SYS_BOOT).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.reboot(ctypes.c_int(_RESTART)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} can't be read: {error}") from None
