"""The order to kill the process that serves a port, and every reason to do nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helper.machines import BOOT_ID, ORDERED, UNTIL, UP, Machine
from tests.helper.ports import INSIDE, PORT, host, kill_order, serves, sockets_line

SECOND = timedelta(seconds=1)
TICK = timedelta(milliseconds=10)
Change = Callable[[Machine], Any]
STRUCK, MALFORMED, REFUSED, GONE = 0, 2, 3, 4
# The clock is five seconds past the order's, so what is this old started as it was given.
GIVEN = UP - 5.0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    host(machine)
    serves(machine)
    return machine


def test_a_kill_ends_the_process(machine: Machine) -> None:
    """That one alone, and says so."""
    serves(machine, 600, network=INSIDE)
    code, said = machine.run(kill_order())
    assert (code, machine.opened, machine.killed, machine.restarts) == (STRUCK, [500], [500], 0)
    assert said == (
        "killed process 500, etcd on TCP port 2380, running since 2026-05-04T07:53:25Z\n"
    )


def clock(machine: Machine, *now: object) -> None:
    machine.now[:] = now  # type: ignore[assignment]


def other_boot(machine: Machine) -> None:
    (machine.proc / "sys/kernel/random/boot_id").write_text("1" + BOOT_ID[1:])


def raising(number: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def successor(machine: Machine, **changes: Any) -> None:
    """Another process gets the number while the first is being opened."""
    machine.on_open = lambda pid: serves(machine, pid, **changes)


def vanishing(machine: Machine) -> None:
    machine.on_open = lambda pid: (machine.proc / str(pid) / "stat").unlink()


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        (other_boot, GONE, "the machine has restarted"),
        (lambda m: clock(m, ORDERED - SECOND / 1000), REFUSED, "the order is for"),
        (lambda m: clock(m, UNTIL), REFUSED, "too late"),
        (lambda m: clock(m, ORDERED, ORDERED, UNTIL), REFUSED, "too late"),
        (lambda m: clock(m, ORDERED, ORDERED, ORDERED - SECOND), REFUSED, "the order is for"),
        (lambda m: serves(m, started=GIVEN), GONE, "2026-05-04T09:00:00Z, after the order"),
        (lambda m: serves(m, started=UP), GONE, "after the order was given"),
        (lambda m: serves(m, started=GIVEN - 0.01), REFUSED, "just before the order was given"),
        (lambda m: serves(m, started=GIVEN - 5), REFUSED, "just before the order was given"),
        (lambda m: serves(m, 501), REFUSED, "several processes etcd"),
        (lambda m: serves(m, network=INSIDE), GONE, "no process etcd listens on TCP port 2380"),
        (lambda m: successor(m, started=1000.01), REFUSED, "process 500 has changed"),
        (lambda m: successor(m, inode=7002), REFUSED, "process 500 has changed"),
        (lambda m: successor(m, network=INSIDE), REFUSED, "process 500 has changed"),
        (lambda m: successor(m, state="Z"), GONE, "500 has ended by itself"),
        (lambda m: successor(m, lines=(sockets_line(80, 7001),)), GONE, "500 has ended"),
        (vanishing, GONE, "process 500 has ended by itself"),
        (lambda m: setattr(m, "on_open", raising(errno.ESRCH)), GONE, "has ended by itself"),
        (lambda m: setattr(m, "on_open", raising(errno.EMFILE)), REFUSED, "can't be held on to"),
        (lambda m: setattr(m, "on_kill", raising(errno.ESRCH)), GONE, "has ended by itself"),
        (lambda m: setattr(m, "on_kill", raising(errno.EPERM)), REFUSED, "was not killed"),
        (lambda m: (m.proc / "uptime").unlink(), REFUSED, "uptime can't be read"),
        (lambda m: (m.proc / "1/ns/net").unlink(), REFUSED, "network namespace can't be told"),
        (lambda m: (m.proc / "sys/kernel/random/boot_id").unlink(), REFUSED, "can't be read"),
    ],
)
def test_a_kill_is_refused(
    machine: Machine, capsys: pytest.CaptureFixture[str], change: Change, code: int, why: str
) -> None:
    """Nothing is killed, and one line says why, in the pod's log and in its status."""
    change(machine)
    ended, said = machine.run(kill_order())
    assert (ended, machine.killed, machine.restarts) == (code, [], 0)
    assert why in said
    assert (said, said.count("\n")) == (capsys.readouterr().err, 1)


@pytest.mark.parametrize("now", [ORDERED, UNTIL - SECOND / 1000])
def test_its_time_begins_with_the_order_and_ends_in_time(machine: Machine, now: object) -> None:
    """Not a moment before: what came up since the deed has to be younger than the order."""
    clock(machine, now)
    assert machine.run(kill_order())[0] == STRUCK


def test_just_old_enough(machine: Machine) -> None:
    """What started more than five seconds before the order is no successor."""
    serves(machine, started=GIVEN - 5.01)
    assert machine.run(kill_order())[0] == STRUCK


@pytest.mark.parametrize("after", [0.0, 0.01, 1.0, 20.0, 34.0])
@pytest.mark.parametrize("struck", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("back", [0.0, 0.02, 4.9])
def test_a_second_run_spares_the_successor(
    machine: Machine, struck: float, after: float, back: float
) -> None:
    """However soon the process was up again and the helper ran again, and if the clock was set
    back meanwhile."""
    clock(machine, ORDERED + struck * SECOND)
    assert machine.run(kill_order())[0] == STRUCK
    serves(machine, 900, started=UP)
    (machine.proc / "500/stat").unlink()
    (machine.proc / "uptime").write_text(f"{UP + after:.2f} 1.0\n")
    clock(machine, ORDERED + (struck + after - back) * SECOND)
    assert machine.run(kill_order())[0] in (GONE, REFUSED)
    assert machine.killed == [500]


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (["kill"], "required: --program, --port, --boot-id, --not-before, --not-after"),
        (kill_order(program=""), "--program: '' is no name of a program"),
        (kill_order(program="/usr/bin/etcd"), "is no name of a program, like etcd"),
        (kill_order(program="etcd*"), "is no name of a program, like etcd"),
        (kill_order(port="0"), "--port: '0' is no TCP port, like 2380"),
        (kill_order(port="65536"), "--port: '65536' is no TCP port"),
        (kill_order(port="peer"), "--port: 'peer' is no TCP port"),
        (kill_order(port="-1"), "--port: '-1' is no TCP port"),
        (kill_order(port=" 2380"), "is no TCP port"),
        (kill_order(boot_id="mine"), "'mine' is not a UUID"),
        (kill_order("--container-id", "x"), "unrecognized arguments: --container-id x"),
        (kill_order(until=ORDERED), "later than --not-before"),
    ],
)
def test_a_malformed_order_is_not_carried_out(
    machine: Machine, capsys: pytest.CaptureFixture[str], order: list[str], why: str
) -> None:
    """It ends with 2 and says what is wrong, in one line."""
    code, _ = machine.run(order)
    said = capsys.readouterr().err
    assert (code, machine.killed) == (MALFORMED, [])
    assert (why in said, said.count("\n")) == (True, 1)


def test_another_port_is_another_process(machine: Machine) -> None:
    """The order's program and port say which."""
    serves(machine, 501, inode=9, lines=(sockets_line(PORT + 1, 9),))
    assert machine.run(kill_order(port=PORT + 1))[0] == STRUCK
    assert machine.killed == [501]
