"""Which process of the host serves a port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chaosd.helper.ends import Gone, Refused
from chaosd.helper.listeners import listener
from tests.helper.machines import TICKS, Machine
from tests.helper.ports import (
    ESTABLISHED,
    HOST,
    INSIDE,
    PORT,
    host,
    link,
    serves,
    sockets_line,
)

OLD = "/opt/etcd-3.6.8"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    host(machine)
    machine.container()
    return machine


def found(machine: Machine, program: str = "etcd", port: int = PORT) -> Any:
    return listener(machine.proc, program, port)


def test_the_one_that_listens(machine: Machine) -> None:
    """By the sockets that it has open, with what tells it from a successor."""
    serves(machine, 500, started=12.5)
    serves(machine, 501, command="kubelet", arguments="kubelet", exe="/usr/bin/kubelet")
    one = found(machine)
    assert (one.pid, one.started, one.network) == (500, int(12.5 * TICKS), HOST)
    assert one.sockets == {"7001"}


@pytest.mark.parametrize(
    "called",
    [
        {"command": "etcd", "arguments": "server\0", "exe": OLD},
        {"command": "server", "arguments": "/opt/bin/etcd\0--name=a\0", "exe": OLD},
        {"command": "server", "arguments": "etcd", "exe": OLD},
        {"command": "server", "arguments": "", "exe": "/usr/bin/etcd"},
        {"command": "server", "arguments": "", "exe": "/usr/bin/etcd (deleted)"},
        {"command": "etcd", "arguments": "", "exe": ""},
    ],
)
def test_a_name_is_any_of_three(machine: Machine, called: dict[str, str]) -> None:
    """The kernel's, the first argument's and the file's, also after an upgrade replaced it."""
    serves(machine, **called)  # type: ignore[arg-type]
    assert found(machine).pid == 500


def test_a_long_name_is_known_by_its_file(machine: Machine) -> None:
    """The kernel keeps fifteen bytes of it."""
    called = {
        "command": "etcd-of-the-east",
        "arguments": "x",
        "exe": "/bin/etcd-of-the-eastern-wing",
    }
    called["command"] = called["command"][:15]
    serves(machine, **called)  # type: ignore[arg-type]
    assert found(machine, "etcd-of-the-eastern-wing").pid == 500
    with pytest.raises(Gone):
        found(machine, "etcd-of-the-eastern")


@pytest.mark.parametrize(
    "tables",
    [
        {"lines": (sockets_line(PORT, 7001, address="0500A8C0"),)},
        {
            "lines": (sockets_line(2379, 7000),),
            "lines6": (sockets_line(PORT, 7001, address="0" * 32),),
        },
        {"lines": (sockets_line(PORT, 7001), sockets_line(PORT, 9, ESTABLISHED)), "lines6": None},
    ],
)
def test_it_listens_on_any_address(machine: Machine, tables: dict[str, Any]) -> None:
    """Of IPv4, or of IPv6, which also stands for both; and where there is no IPv6."""
    serves(machine, **tables)
    assert found(machine).sockets == {"7001"}


@pytest.mark.parametrize(
    "other",
    [
        {"command": "etcdctl", "arguments": "etcdctl", "exe": "/usr/bin/etcdctl"},
        {"command": "sh", "arguments": "sh\0etcd\0", "exe": "/bin/sh"},
        {"lines": (sockets_line(2379, 7001),)},
        {"lines": (sockets_line(PORT, 7001, ESTABLISHED),)},
        {"lines": (sockets_line(PORT, 7002),)},
        {"state": "Z"},
        {"state": "X"},
        {"network": INSIDE},
    ],
)
def test_another_is_not_it(machine: Machine, other: dict[str, Any]) -> None:
    """Called otherwise, on another port, only connected, without the socket itself, dead, or in a
    container with a network of its own."""
    serves(machine, **other)
    with pytest.raises(Gone, match="no process etcd listens on TCP port 2380 of this host"):
        found(machine)


def test_a_container_with_a_member_of_its_own_is_passed_over(machine: Machine) -> None:
    """The same name and port, in another network."""
    serves(machine, 500)
    serves(machine, 600, network=INSIDE, inode=8001)
    assert found(machine).pid == 500


def test_two_are_one_too_many(machine: Machine) -> None:
    """On two addresses of the host, or by a socket that was inherited."""
    serves(machine, 600, inode=7001)
    serves(machine, 500, inode=7001)
    with pytest.raises(Refused, match="several processes etcd listen on TCP port 2380: 500, 600"):
        found(machine)


@pytest.mark.parametrize("file", ["comm", "cmdline", "net/tcp", "ns/net", "stat", "fd/7"])
def test_one_that_ends_meanwhile_is_not_there(machine: Machine, file: str) -> None:
    """What was listed may be gone when it is read."""
    serves(machine)
    (machine.proc / "500" / file).unlink()
    with pytest.raises(Gone):
        found(machine)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("stat", "500 (etcd) S x"),
        ("net/tcp", "head\n 0: 0100007F:0xyz 0 0A\n"),
        ("net/tcp6", "head\n 0: 0\n"),
    ],
)
def test_what_can_not_be_read_is_no_proof(machine: Machine, file: str, text: str) -> None:
    """Nothing is killed on a guess."""
    serves(machine)
    (machine.proc / "500" / file).write_text(text)
    with pytest.raises(Refused, match="500 can't be read"):
        found(machine)


def test_without_the_hosts_network_nothing_is_known(machine: Machine) -> None:
    """As for a helper that may not look at the first process."""
    serves(machine)
    (machine.proc / "1/ns/net").unlink()
    with pytest.raises(Refused, match="host's network namespace can't be told"):
        found(machine)


def test_a_process_called_anything_else_need_not_be_readable(machine: Machine) -> None:
    """Only what has the name is looked at further."""
    serves(machine)
    serves(machine, 700, command="web", arguments="web", exe="/bin/web")
    link(machine.proc / "700/net/tcp", "/nowhere")
    (machine.proc / "700/net/tcp6").write_text("x")
    assert found(machine).pid == 500
