"""What the helper does, in order: it looks at everything, then strikes, and never twice."""

from __future__ import annotations

import os
import re
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

from chaosd.helper import machine
from chaosd.helper.ends import Ended, Gone, Malformed, Refused
from chaosd.helper.processes import main_process, reread

EARLY = timedelta(seconds=5)
"""By how much this machine's clock may be behind the one that gave the order."""
_LOG = Path("/dev/termination-log")
_CONTAINER = re.compile(r"(?:[a-z0-9.+-]+://)?([0-9a-f]{64})")
_BOOT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Told(NamedTuple):
    """The order: ``identity`` is the boot ID or the bare container ID."""

    action: str
    identity: str
    not_before: datetime
    not_after: datetime
    proc: Path
    log: Path


def _now() -> datetime:
    return datetime.now(UTC)


def _kill(process: int) -> None:
    signal.pidfd_send_signal(process, signal.SIGKILL)


class World(NamedTuple):
    """All that it can do to the machine, and its clock.

    ``open_process`` gives a descriptor that means one process and never its successor (pidfd_open),
    ``kill`` ends that process by SIGKILL.
    """

    now: Callable[[], datetime] = _now
    restart: Callable[[], None] = machine.restart
    open_process: Callable[[int], int] = os.pidfd_open
    kill: Callable[[int], None] = _kill


def main(argv: Sequence[str], world: World = World()) -> int:  # noqa: B008 - immutable
    """Carry out one order and say what was done; returns the exit code."""
    log = _LOG
    try:
        told = read_order(argv)
        log = told.log
        done = _reboot(told, world) if told.action == "reboot" else _crash(told, world)
    except Ended as ended:
        _say(str(ended), log)
        return ended.code
    _say(done, log)
    return 0


def read_order(argv: Sequence[str]) -> Told:
    """The order that the arguments give; raises Malformed."""
    parser = _Parser(prog="chaosd.helper", description="Strike once, what the arguments name.")
    actions = parser.add_subparsers(dest="action", required=True)
    for action, option, metavar in (
        ("reboot", "--boot-id", "UUID"),
        ("crash", "--container-id", "ID"),
    ):
        one = actions.add_parser(action)
        one.add_argument(option, dest="identity", required=True, metavar=metavar)
        for bound in ("--not-before", "--not-after"):
            one.add_argument(bound, required=True, metavar="TIME", help="RFC 3339, UTC")
        one.add_argument("--proc", type=Path, default=Path("/proc"), help="the host's /proc")
        one.add_argument("--termination-log", type=Path, default=_LOG)
    read = parser.parse_args(argv)
    told = Told(
        read.action,
        _identity(read.action, read.identity),
        _time("--not-before", read.not_before),
        _time("--not-after", read.not_after),
        read.proc,
        read.termination_log,
    )
    if told.not_after <= told.not_before:
        raise Malformed("--not-after has to be later than --not-before")
    return told


def _reboot(told: Told, world: World) -> str:
    machine.must_be_outermost(told.proc)
    found = machine.boot_id(told.proc)
    if found != told.identity:
        raise Gone(f"the machine has restarted: its boot ID is {found}, not {told.identity}")
    _must_be_time(told, world.now())
    try:
        world.restart()
    except OSError as error:
        raise Refused(f"the machine was not restarted: {error}") from None
    return f"restarted the machine with boot ID {found}"


def _crash(told: Told, world: World) -> str:
    """Between the descriptor and the second look nothing can take the process's place: what is
    seen through /proc both times started at the same tick, so it is what the descriptor means.

    What is not there is said before all else: it may be the deed of an earlier run.
    """
    found = main_process(told.proc, told.identity)
    _must_be_time(told, world.now())
    started = _wall_time(told.proc, found.started, world.now())
    if started > told.not_before:
        raise Refused(
            f"process {found.pid} started at {_text(started)}, after the order was given:"
            f" at {_text(told.not_before)}"
        )
    try:
        process = world.open_process(found.pid)
    except ProcessLookupError:
        raise Gone(f"process {found.pid} has ended by itself") from None
    except OSError as error:
        raise Refused(f"process {found.pid} can't be held on to: {error}") from None
    try:
        again = reread(told.proc, found.pid, told.identity)
        if again is None:
            raise Gone(f"process {found.pid} has ended by itself")
        if again != found:
            raise Refused(f"process {found.pid} has changed: it was {found}, and is {again}")
        _must_be_time(told, world.now())
        world.kill(process)
    except ProcessLookupError:
        raise Gone(f"process {found.pid} has ended by itself") from None
    except OSError as error:
        raise Refused(f"process {found.pid} was not killed: {error}") from None
    finally:
        os.close(process)
    return (
        f"killed process {found.pid} of container {told.identity}, running since {_text(started)}"
    )


def _must_be_time(told: Told, now: datetime) -> None:
    if now < told.not_before - EARLY:
        raise Refused(f"it is {_text(now)} here, and the order is for {_text(told.not_before)} on")
    if now > told.not_after:
        raise Refused(f"it is {_text(now)} here, too late: it was until {_text(told.not_after)}")


def _wall_time(proc: Path, ticks: int, now: datetime) -> datetime:
    """When a process started that did so ``ticks`` after the machine."""
    ago = machine.uptime(proc) - ticks / os.sysconf("SC_CLK_TCK")
    return now - timedelta(seconds=ago)


class _Parser(ArgumentParser):
    """Ends as everything here ends, and takes no option by a part of its name."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options, allow_abbrev=False)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise Malformed(message)


def _identity(action: str, text: str) -> str:
    """The container's or the boot's ID; that of a container may have the runtime in front."""
    lower = text.strip().lower()
    found = (_BOOT if action == "reboot" else _CONTAINER).fullmatch(lower)
    if not found:
        wanted = "a UUID" if action == "reboot" else "64 hex digits, like containerd://4f3a..."
        raise Malformed(f"{text!r} is not {wanted}")
    return found[found.lastindex or 0]


def _time(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Malformed(f"{option}: {text!r} is no time like 2026-01-31T09:00:00Z")
    return at.astimezone(UTC)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _say(what: str, log: Path) -> None:
    """One line, for the pod's log, and for its status by the file that the kubelet made for it."""
    line = " ".join(what.split()) + "\n"
    sys.stderr.write(line)
    with suppress(OSError):
        if log.exists():
            log.write_text(line)
