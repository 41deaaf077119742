"""The order that the helper was given, and every reason to do nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.helper.machines import (
    BOOT_ID,
    CONTAINER,
    ORDERED,
    OTHER,
    UNTIL,
    UP,
    Machine,
    crash_order,
    reboot_order,
    rfc3339,
    scope_of,
)

SECOND = timedelta(seconds=1)
Change = Callable[[Machine], None]
STRUCK, MALFORMED, REFUSED, GONE = 0, 2, 3, 4


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.container()
    return machine


def failing(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def raising(number: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise failing(number)

    return fail


# ---- crash


def test_a_crash_kills_the_main_process(machine: Machine) -> None:
    """That one alone, and says so."""
    code, said = machine.run(crash_order())
    assert (code, machine.opened, machine.killed) == (STRUCK, [210], [210])
    assert said == (
        f"killed process 210 of container {CONTAINER}, running since 2026-05-04T07:53:25Z\n"
    )


@pytest.mark.parametrize("runtime", ["containerd", "cri-o", "docker"])
def test_the_runtime_may_stand_in_front(machine: Machine, runtime: str) -> None:
    """A pod's status writes the container's ID so."""
    assert machine.run(crash_order(container=f"{runtime}://{CONTAINER}"))[0] == STRUCK


def started_since(machine: Machine) -> None:
    machine.process(210, 200, inner=(1,), started=UP - 4.5)


def successor(machine: Machine, **changes: object) -> None:
    """Another process gets the number while the first is being opened."""
    changed: dict[str, object] = {"inner": (1,), **changes}
    machine.on_open = lambda pid: machine.process(pid, 200, **changed)  # type: ignore[arg-type]


def vanishing(machine: Machine) -> None:
    machine.on_open = lambda pid: (machine.proc / str(pid) / "stat").unlink()


def clock(machine: Machine, *now: object) -> None:
    machine.now[:] = now  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        (lambda m: clock(m, ORDERED - 5.001 * SECOND), REFUSED, "the order is for"),
        (lambda m: clock(m, UNTIL), REFUSED, "too late"),
        (lambda m: clock(m, ORDERED, ORDERED, UNTIL), REFUSED, "too late"),
        (started_since, REFUSED, "process 210 started at 2026-05-04T09:00:00Z, after the order"),
        (lambda m: m.process(310, 200, inner=(1,)), REFUSED, "210, 310 may be it"),
        (lambda m: successor(m, started=1000.01), REFUSED, "process 210 has changed"),
        (lambda m: successor(m, cgroup=scope_of(OTHER)), GONE, "210 has ended by itself"),
        (lambda m: successor(m, state="Z"), GONE, "210 has ended by itself"),
        (lambda m: successor(m, inner=(2,)), REFUSED, "process 210 has changed"),
        (vanishing, GONE, "process 210 has ended by itself"),
        (lambda m: setattr(m, "on_open", raising(errno.ESRCH)), GONE, "has ended by itself"),
        (lambda m: setattr(m, "on_open", raising(errno.EMFILE)), REFUSED, "can't be held on to"),
        (lambda m: setattr(m, "on_kill", raising(errno.ESRCH)), GONE, "has ended by itself"),
        (lambda m: setattr(m, "on_kill", raising(errno.EPERM)), REFUSED, "was not killed"),
        (lambda m: (m.proc / "uptime").unlink(), REFUSED, "uptime can't be read"),
        (lambda m: (m.proc / "uptime").write_text("soon"), REFUSED, "which is no number"),
        (lambda m: (m.proc / "210" / "status").write_text(""), REFUSED, "210 can't be read"),
    ],
)
def test_a_crash_is_refused(
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    code: int,
    why: str,
) -> None:
    """Nothing is killed, and one line says why, in the pod's log and in its status."""
    change(machine)
    ended, said = machine.run(crash_order())
    assert (ended, machine.killed) == (code, [])
    assert why in said
    assert (said, said.count("\n")) == (capsys.readouterr().err, 1)


def test_a_container_that_is_not_here_is_gone(machine: Machine) -> None:
    """As after a restart, when it has another ID, or on another node."""
    code, said = machine.run(crash_order(container=OTHER))
    assert (code, said) == (GONE, f"no process of container {OTHER} runs here\n")


def test_a_second_run_finds_nothing_to_kill(machine: Machine) -> None:
    """Its container is gone with its main process; what runs instead has another ID."""
    assert machine.run(crash_order())[0] == STRUCK
    for pid in (210, 211):
        machine.process(pid, 200, inner=(1,), state="Z")
    machine.process(400, 200, cgroup=scope_of(OTHER), inner=(1,), started=UP)
    assert machine.run(crash_order())[0] == GONE
    assert machine.killed == [210]


@pytest.mark.parametrize("order", [crash_order(), reboot_order()])
@pytest.mark.parametrize("now", [ORDERED - 5 * SECOND, ORDERED, UNTIL - SECOND / 1000])
def test_the_time_begins_early_and_ends_in_time(
    machine: Machine, order: list[str], now: object
) -> None:
    """From five seconds before, since clocks differ, until right before its end."""
    clock(machine, now)
    assert machine.run(order)[0] == STRUCK


# ---- reboot


def test_a_reboot_restarts_once(machine: Machine) -> None:
    """The machine of that boot ID."""
    code, said = machine.run(reboot_order())
    assert (code, machine.restarts) == (STRUCK, 1)
    assert said == f"restarted the machine with boot ID {BOOT_ID}\n"


def other_namespace(machine: Machine) -> None:
    link = machine.proc / "self/ns/pid"
    link.unlink()
    link.symlink_to("pid:[4026532511]")


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        (lambda m: clock(m, ORDERED - 6 * SECOND), REFUSED, "the order is for"),
        (lambda m: clock(m, UNTIL), REFUSED, "too late"),
        (other_namespace, REFUSED, "not in the machine's own pid namespace"),
        (lambda m: (m.proc / "self/ns/pid").unlink(), REFUSED, "namespace can't be told"),
        (lambda m: (m.proc / "sys/kernel/random/boot_id").unlink(), REFUSED, "can't be read"),
        (
            lambda m: (m.proc / "sys/kernel/random/boot_id").write_text(BOOT_ID[::-1]),
            GONE,
            "the machine has restarted",
        ),
        (lambda m: (m.proc / "sys/kernel/random/boot_id").write_text(""), GONE, "has restarted"),
        (
            lambda m: setattr(m, "on_restart", raising(errno.EPERM)),
            REFUSED,
            "the machine was not restarted: [Errno 1]",
        ),
    ],
)
def test_a_reboot_is_refused(
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    code: int,
    why: str,
) -> None:
    """The machine goes on, and one line says why."""
    change(machine)
    ended, said = machine.run(reboot_order())
    assert (ended, machine.restarts, machine.killed) == (code, 0, [])
    assert why in said
    assert (said, said.count("\n")) == (capsys.readouterr().err, 1)


def test_a_second_run_after_the_restart_finds_another_boot_id(machine: Machine) -> None:
    """A kubelet that forgot that it ran the helper may run it again."""
    assert machine.run(reboot_order())[0] == STRUCK
    (machine.proc / "sys/kernel/random/boot_id").write_text("1" + BOOT_ID[1:])
    assert machine.run(reboot_order())[0] == GONE
    assert machine.restarts == 1


# ---- malformed orders

TIMES = ["--not-before", rfc3339(ORDERED), "--not-after", rfc3339(UNTIL)]


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ([], "required: action"),
        (["drain"], "invalid choice: 'drain'"),
        (["reboot"], "required: --boot-id, --not-before, --not-after"),
        (["crash", *TIMES], "required: --container-id"),
        (["crash", "--boot-id", BOOT_ID, *TIMES], "required: --container-id"),
        (["reboot", "--boot", BOOT_ID, *TIMES], "required: --boot-id"),
        (["reboot", "--boot-id", "", *TIMES], "'' is not a UUID"),
        (["reboot", "--boot-id", CONTAINER, *TIMES], "is not a UUID"),
        (["crash", "--container-id", "", *TIMES], "'' is not 64 hex digits"),
        (["crash", "--container-id", "containerd://", *TIMES], "is not 64 hex digits"),
        (["crash", "--container-id", CONTAINER[:12], *TIMES], "is not 64 hex digits"),
        (["crash", "--container-id", ".*", *TIMES], "is not 64 hex digits"),
        ([*crash_order(), "now"], "unrecognized arguments: now"),
        ([*crash_order(), "--not-after", "soon"], "--not-after: 'soon' is no time"),
        ([*crash_order(), "--not-after", "2026-05-04T09:00:40"], "is no time like 2026"),
        ([*crash_order(), "--not-after", rfc3339(ORDERED)], "later than --not-before"),
    ],
)
def test_a_malformed_order_is_not_carried_out(
    machine: Machine, capsys: pytest.CaptureFixture[str], order: list[str], why: str
) -> None:
    """It ends with 2 and says what is wrong, without a traceback."""
    code, _ = machine.run(order)
    said = capsys.readouterr().err
    assert (code, machine.killed, machine.restarts) == (MALFORMED, [], 0)
    assert (why in said, said.count("\n")) == (True, 1)


def test_a_log_that_is_not_there_is_not_made(machine: Machine) -> None:
    """The kubelet makes it; outside a pod none is left behind."""
    machine.log.unlink()
    assert machine.run(crash_order()) == (STRUCK, "")
    assert not machine.log.exists()
