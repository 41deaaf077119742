"""The control plane itself: it is what it says it is, and nothing of it survives the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.signin import SignIn
from tests.contract.site import Caller
from tests.real.control_plane import BINARIES, ControlPlane, binary, running_control_plane
from tests.support.machine import MachineClock
from tests.support.waiting import until

LEFT_ALONE = """
import sys, time
from tests.real.control_plane import running_control_plane
with running_control_plane() as plane:
    pids = [str(one.pid) for one in plane._processes.values()]
    print(plane._folder, *pids, flush=True)
    time.sleep(600)
"""


def test_it_says_which_kubernetes_it_is(control_plane: ControlPlane) -> None:
    """Built without its version, the API server would call itself v0.0.0."""
    caller = Caller(control_plane.kubeconfig)
    version = caller.ok("GET", "/version")
    assert (version["major"], version["minor"]) == ("1", version["gitVersion"].split(".")[1])
    assert version["gitVersion"].startswith("v1.")
    caller.close()


def test_tools_are_found_where_envtest_puts_them(tmp_path: Path) -> None:
    """KUBEBUILDER_ASSETS comes first, and what is missing there comes from ours."""
    own = tmp_path / "etcd"
    own.write_text("#!/bin/sh\n")
    environ = {"KUBEBUILDER_ASSETS": str(tmp_path)}
    assert binary("etcd", environ) != own  # it can't be run
    own.chmod(0o755)
    assert binary("etcd", environ) == own
    assert [binary(name, environ) for name in BINARIES if name != "etcd"] == [
        binary(name, {}) for name in BINARIES if name != "etcd"
    ]


def test_nothing_survives_tests_that_are_killed() -> None:
    """SIGKILL leaves no process and no folder behind."""
    victim = subprocess.Popen([sys.executable, "-c", LEFT_ALONE], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    folder, *pids = victim.stdout.readline().split()
    assert len(pids) == 5
    assert Path(folder).exists()
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    until(lambda: not any(alive(int(pid)) for pid in pids), pids)
    until(lambda: not Path(folder).exists(), folder)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and ") Z " in status.read_text())


def test_the_api_server_can_be_stopped_and_started() -> None:
    """On the same port, with everything that was in it."""
    with running_control_plane() as plane:
        api = Api(OfficialTransport(SignIn(str(plane.kubeconfig), environ={})), MachineClock())
        seed = api.seed()
        plane.stop("kube-apiserver")
        plane.start_api_server()
        plane.wait_ready()
        assert api.seed() == seed
