"""What the helper does, in order: it looks at everything, then strikes, and never twice."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from chaosd.helper import machine
from chaosd.helper.ends import Ended, Gone, Refused
from chaosd.helper.listeners import Listener, listener, reread_listener
from chaosd.helper.order import LOG, Told, read_order, rfc3339
from chaosd.helper.processes import Process, main_process, reread

EARLY = timedelta(seconds=5)
"""By how much this machine's clock may be behind the one that gave the order."""


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
    log = LOG
    try:
        told = read_order(argv)
        log = told.log
        done = _DEEDS[told.action](told, world)
    except Ended as ended:
        _say(str(ended), log)
        return ended.code
    _say(done, log)
    return 0


def _reboot(told: Told, world: World) -> str:
    machine.must_be_outermost(told.proc)
    _must_be_boot(told)
    _must_be_time(told, world.now())
    try:
        world.restart()
    except OSError as error:
        raise Refused(f"the machine was not restarted: {error}") from None
    return f"restarted the machine with boot ID {told.identity}"


def _crash(told: Told, world: World) -> str:
    """What is not there is said before all else: it may be the deed of an earlier run."""
    found = main_process(told.proc, told.identity)
    _must_be_time(told, world.now())
    started = _wall_time(told.proc, found.started, world)
    if started > told.not_before:
        raise Refused(
            f"process {found.pid} started at {rfc3339(started)}, after the order was given:"
            f" at {rfc3339(told.not_before)}"
        )
    _end(told, world, found, lambda: reread(told.proc, found.pid, told.identity))
    return (
        f"killed process {found.pid} of container {told.identity}, running since {rfc3339(started)}"
    )


def _kill_listener(told: Told, world: World) -> str:
    """End the one process that serves a port of the host.

    Its successor serves the same port under the same name, and nothing but its start tells them
    apart. So none is struck that started after the order's time began, and none before it has: a
    successor then always is too young. What started just before is in doubt, since times are
    rounded and a clock may be set back meanwhile.
    """
    _must_be_boot(told)
    found = listener(told.proc, told.program, told.port)
    started = _wall_time(told.proc, found.started, world)
    when = f"process {found.pid} started at {rfc3339(started)}"
    if started >= told.not_before:
        raise Gone(f"{when}, after the order was given: at {rfc3339(told.not_before)}")
    if started >= told.not_before - EARLY:
        raise Refused(f"{when}, just before the order was given: at {rfc3339(told.not_before)}")
    _must_be_time(told, world.now(), early=timedelta())
    again = partial(reread_listener, told.proc, found.pid, told.program, told.port)
    _end(told, world, found, again, early=timedelta())
    return (
        f"killed process {found.pid}, {told.program} on TCP port {told.port},"
        f" running since {rfc3339(started)}"
    )


def _end(
    told: Told,
    world: World,
    found: Process | Listener,
    look: Callable[[], Process | Listener | None],
    early: timedelta = EARLY,
) -> None:
    """Kill that process, if it still is what it was; ``look`` says what it is now.

    Between the descriptor and the second look nothing can take the process's place: what is
    seen through /proc both times started at the same tick, so it is what the descriptor means.
    """
    try:
        process = world.open_process(found.pid)
    except ProcessLookupError:
        raise Gone(f"process {found.pid} has ended by itself") from None
    except OSError as error:
        raise Refused(f"process {found.pid} can't be held on to: {error}") from None
    try:
        again = look()
        if again is None:
            raise Gone(f"process {found.pid} has ended by itself")
        if again != found:
            raise Refused(f"process {found.pid} has changed: it was {found}, and is {again}")
        _must_be_time(told, world.now(), early)
        world.kill(process)
    except ProcessLookupError:
        raise Gone(f"process {found.pid} has ended by itself") from None
    except OSError as error:
        raise Refused(f"process {found.pid} was not killed: {error}") from None
    finally:
        os.close(process)


def _must_be_boot(told: Told) -> None:
    found = machine.boot_id(told.proc)
    if found != told.identity:
        raise Gone(f"the machine has restarted: its boot ID is {found}, not {told.identity}")


def _must_be_time(told: Told, now: datetime, early: timedelta = EARLY) -> None:
    if now < told.not_before - early:
        raise Refused(
            f"it is {rfc3339(now)} here, and the order is for {rfc3339(told.not_before)} on"
        )
    if now >= told.not_after:
        raise Refused(
            f"it is {rfc3339(now)} here, too late: it was until {rfc3339(told.not_after)}"
        )


def _wall_time(proc: Path, ticks: int, world: World) -> datetime:
    """When a process started that did so ``ticks`` after the machine.

    Both are counted from the machine's start, sleep included (proc_pid_stat(5), field 22, and
    proc_uptime(5)); ``btime`` of /proc/stat would be a whole second. The clock is asked last: if
    it takes long in between, the process seems younger, never older.
    """
    age = machine.uptime(proc) - ticks / os.sysconf("SC_CLK_TCK")
    return world.now() - timedelta(seconds=age)


def _say(what: str, log: Path) -> None:
    """One line, for the pod's log, and for its status by the file that the kubelet made for it."""
    line = " ".join(what.split()) + "\n"
    sys.stderr.write(line)
    with suppress(OSError):
        if log.exists():
            log.write_text(line)


_DEEDS = {"reboot": _reboot, "crash": _crash, "kill": _kill_listener}
