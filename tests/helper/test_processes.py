"""Which process of the host is a container's main one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaosd.helper.ends import Gone, Refused
from chaosd.helper.processes import main_process, names_container
from tests.helper.machines import CONTAINER, OTHER, POD, Machine, scope_of

ID = CONTAINER
PAUSE = "cc" * 32


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.process(200, 1, cgroup="0::/system.slice/containerd.service\n", command="shim")
    return machine


@pytest.mark.parametrize(
    "path",
    [
        f"0::{POD}/cri-containerd-{ID}.scope",
        f"0::/kubepods/burstable/pod9/{ID}",
        f"0::{POD}/crio-{ID}.scope",
        f"0::{POD}/crio-{ID}.scope/container",
        f"0::{POD}/docker-{ID}.scope",
        f"0::/kubelet.slice/kubelet-{POD[1:]}/cri-containerd-{ID}.scope",
        f"0::/../../kubepods-pod9.slice/cri-containerd-{ID}.scope",
        f"0::{POD}/libpod-{ID}.scope",
        f"0::/system.slice/kubepods-besteffort-pod9.slice:cri-containerd:{ID}",
        f"0::{POD}/cri-containerd-{ID}.scope/init.scope",
        f"0::{POD}/cri-containerd-{ID}.scope (deleted)",
        f"12:memory:/kubepods/burstable/pod9/{ID}\n1:name=systemd:/kubepods/burstable/pod9/{ID}",
        f"3:cpu,cpuacct:/docker/{ID}\n0::/",
        f"0::/kubepods/pod9/{ID}/docker/{OTHER}",
    ],
)
def test_a_cgroup_that_names_the_container(path: str) -> None:
    """Both versions of cgroups, both drivers, each runtime, and what the container made below."""
    assert names_container(path + "\n", ID)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0::/",
        f"0::{POD}/cri-containerd-{OTHER}.scope",
        f"0::{POD}/crio-conmon-{ID}.scope",
        f"0::{POD}/libpod-conmon-{ID}.scope",
        f"0::{POD}/cri-containerd-{ID[:-1]}.scope",
        f"0::{POD}/cri-containerd-0{ID}.scope",
        f"0::{POD}/{ID}.mount",
        f"0::/system.slice/watch-{ID}.scope",
        f"0::/{ID}0",
    ],
)
def test_a_cgroup_of_something_else(path: str) -> None:
    """Neither another container nor the monitor that stands beside one."""
    assert not names_container(path + "\n", ID)


def test_the_first_of_its_own_pid_namespace(machine: Machine) -> None:
    """Not its children, and not what `kubectl exec` started beside it."""
    machine.container()
    machine.process(300, 200, inner=(40,), command="sh")
    machine.process(301, 300, inner=(41,), command="ps")
    assert main_process(machine.proc, ID).pid == 210


def test_a_container_inside_the_container_is_not_taken_for_it(machine: Machine) -> None:
    """The first process of a namespace below has its parent in the container."""
    machine.container()
    inner = f"0::{POD}/cri-containerd-{ID}.scope/docker/{OTHER}\n"
    machine.process(212, 211, inner=(9,), command="dockerd")
    machine.process(213, 212, cgroup=inner, inner=(11, 1))
    assert main_process(machine.proc, ID).pid == 210


def test_in_a_shared_pid_namespace_the_one_with_a_parent_outside(machine: Machine) -> None:
    """With shareProcessNamespace the pod's pause process is the first, of another cgroup."""
    machine.process(205, 200, cgroup=scope_of(PAUSE), inner=(1,), command="pause")
    machine.process(210, 200, inner=(7,))
    machine.process(211, 210, inner=(8,))
    machine.process(220, 200, cgroup=scope_of(OTHER), inner=(9,))
    found = main_process(machine.proc, ID)
    assert (found.pid, found.parent, found.inner) == (210, 200, (210, 7))


def test_in_the_hosts_pid_namespace(machine: Machine) -> None:
    """A pod with hostPID has its processes' numbers once."""
    machine.process(210, 200)
    machine.process(211, 210)
    assert main_process(machine.proc, ID).inner == (210,)


@pytest.mark.parametrize(
    ("parent", "inner"),
    [
        (200, (30,)),  # what `kubectl exec` started
        (205, (30,)),  # an orphan, which pause took
        (205, (30, 1)),  # an orphan that is the first in a namespace of its own
        (1, ()),  # one that got out of the pod's namespace
    ],
)
def test_where_two_can_be_it_none_is(machine: Machine, parent: int, inner: tuple[int, ...]) -> None:
    """In a shared pid namespace nothing tells the main process from another without a parent in
    the container."""
    machine.process(205, 200, cgroup=scope_of(PAUSE), inner=(1,), command="pause")
    machine.process(210, 200, inner=(7,))
    machine.process(230, parent, inner=inner)
    with pytest.raises(Refused, match=re.escape("can't be told: 210, 230 may be it")):
        main_process(machine.proc, ID)


def test_two_firsts_are_one_too_many(machine: Machine) -> None:
    """Two namespaces, and no way to say which is the container's."""
    machine.container()
    machine.process(310, 200, inner=(1,))
    with pytest.raises(Refused, match="210, 310 may be it"):
        main_process(machine.proc, ID)


def test_processes_without_a_top_are_refused(machine: Machine) -> None:
    """What is read while things change may make no sense."""
    machine.process(210, 211, inner=(5,))
    machine.process(211, 210, inner=(6,))
    with pytest.raises(Refused, match="none may be it"):
        main_process(machine.proc, ID)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_dead_process_is_not_there(machine: Machine, state: str) -> None:
    """A zombie waits to be reaped, and nothing can be done to it."""
    machine.process(210, 200, inner=(1,), state=state)
    with pytest.raises(Gone, match=f"no process of container {ID} runs here"):
        main_process(machine.proc, ID)


def test_a_process_that_ends_meanwhile_is_not_there(machine: Machine) -> None:
    """Its folder may still be listed."""
    machine.container()
    (machine.proc / "999").mkdir()
    machine.process(998, 200, inner=(1,))
    (machine.proc / "998" / "stat").unlink()
    assert main_process(machine.proc, ID).pid == 210


@pytest.mark.parametrize("command", ["a) S 1 (b", "two words", "((", "\u00fc"])
def test_a_command_may_be_called_anything(machine: Machine, command: str) -> None:
    """The numbers are those behind the last parenthesis."""
    machine.process(210, 200, inner=(1,), command=command, started=12.5)
    found = main_process(machine.proc, ID)
    assert (found.parent, found.started) == (200, 1250)


@pytest.mark.parametrize(
    ("file", "text"),
    [("stat", "210 (web) S x"), ("stat", "210 (web) S 200 0"), ("status", "Name:\tweb\n")],
)
def test_what_can_not_be_read_is_no_proof(machine: Machine, file: str, text: str) -> None:
    """A kernel that writes something else, or no NSpid, gets nothing killed."""
    machine.container()
    (machine.proc / "210" / file).write_text(text)
    with pytest.raises(Refused, match=r"210 can't be read"):
        main_process(machine.proc, ID)


def test_without_a_proc_nothing_is_known(tmp_path: Path) -> None:
    """That is not the same as no process."""
    with pytest.raises(Refused, match="can't be read"):
        main_process(tmp_path / "nowhere", ID)
