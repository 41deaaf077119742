"""``chaosd sandbox --scenario etcd``: its pods are real members, which are killed and come back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaosd.cli import stage
from chaosd.sandbox.objects import is_ready
from tests.etcd_members import require_etcd
from tests.real.control_plane import binary
from tests.support.waiting import until

OWN = Path(stage.__file__).with_name(stage.SCENARIOS["etcd"].file)


@dataclass
class Running:
    """The command, as somebody runs it."""

    process: subprocess.Popen[str]
    folder: Path
    kubeconfig: str
    endpoints: str
    log: Path

    def kubectl(self, *args: str) -> str:
        return run("kubectl", f"--kubeconfig={self.kubeconfig}", "--namespace=etcd", *args)

    def etcdctl(self, *args: str) -> str:
        return run("etcdctl", f"--endpoints={self.endpoints}", *args)

    def pods(self) -> dict[str, Any]:
        found = msgspec.json.decode(self.kubectl("get", "pods", "-o", "json"))
        return {pod["metadata"]["name"]: pod for pod in found["items"]}

    def all_ready(self) -> bool:
        pods = self.pods()
        return sorted(pods) == ["etcd-0", "etcd-1", "etcd-2"] and all(map(is_ready, pods.values()))

    def pid(self, pod: str) -> int:
        """The process of a member."""
        return until(lambda: next((pid for pid in self.pids() if f"--name={pod}" in line(pid)), 0))

    def pids(self) -> list[int]:
        """All processes of members of this sandbox."""
        every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in every if f"--data-dir={self.folder}/etcd/" in line(pid)]


def run(name: str, *args: str) -> str:
    command = [str(binary(name)), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def line(pid: int) -> str:
    """The command line of a process; "" when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture(params=["1", "10"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """The sandbox with its members Ready, in real time and ten times as fast; chaosd only looks."""
    quiet = OWN.read_text().replace("dryRun: false", "dryRun: true")
    (tmp_path / "quiet.yaml").write_text(quiet)
    with started(tmp_path, "--speed", request.param, "-f", str(tmp_path / "quiet.yaml")) as one:
        yield one


@contextmanager
def started(tmp_path: Path, *options: str) -> Iterator[Running]:
    """The sandbox with its members Ready."""
    require_etcd()
    command = [sys.executable, "-m", "chaosd.cli.main", "sandbox", "--scenario", "etcd"]
    command += ["--etcd", str(binary("etcd")), *options]
    said, errors = tmp_path / "said", tmp_path / "errors"
    with said.open("w") as out, errors.open("w") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, text=True, start_new_session=True
        )
    try:
        found = until(
            lambda: re.search(
                r"kubeconfig +(\S+)/kubeconfig(?:.|\n)*--endpoints (\S+)", said.read_text()
            ),
            errors.read_text,
        )
        folder, endpoints = found.groups()
        one = Running(process, Path(folder), f"{folder}/kubeconfig", endpoints, errors)
        until(one.all_ready, errors.read_text)
        yield one
    finally:
        process.kill()
        process.wait()


def test_a_member_is_killed_and_comes_back_on_its_data(running: Running) -> None:
    """By deleting and by evicting its pod; then the sandbox ends, and nothing is left of it."""
    identities = members(running)
    running.etcdctl("put", "before", "there")
    addresses = {name: pod["status"]["podIP"] for name, pod in running.pods().items()}
    assert [f"http://{addresses[name]}:2379" for name in sorted(addresses)] == (
        running.endpoints.split(",")
    )
    for strike in (strike_delete, strike_evict):
        before, pid = running.pods()["etcd-1"]["metadata"]["uid"], running.pid("etcd-1")
        strike(running)
        wait_for_another(running, pid, before)
        assert members(running) == identities
        one = running.endpoints.split(",")[1]
        seen = run("etcdctl", f"--endpoints={one}", "get", "before", "--consistency=s")
        assert seen == "before\nthere\n"
    everyone = running.pids()
    assert len(everyone) == 3
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait() == 0
    assert running.pids() == []
    assert not running.folder.exists()


def test_no_member_outlives_a_sandbox_that_is_killed(running: Running) -> None:
    """The system ends them."""
    everyone = [running.pid(f"etcd-{number}") for number in range(3)]
    os.kill(running.process.pid, signal.SIGKILL)
    until(lambda: not any(line(pid) for pid in everyone))


def test_chaosd_kills_a_member_and_sees_it_recover(tmp_path: Path) -> None:
    """By the scenario's own configuration: what was written is there, and nobody is missing."""
    with started(tmp_path, "--speed", "10") as running:
        running.etcdctl("put", "before", "there")
        identities = members(running)
        before = {name: pod["metadata"]["uid"] for name, pod in running.pods().items()}
        until(lambda: '"verdict": "recovered"' in running.log.read_text(), running.log.read_text)
        until(running.all_ready)
        after = {name: pod["metadata"]["uid"] for name, pod in running.pods().items()}
        assert after != before
        assert members(running) == identities
        assert running.etcdctl("get", "before") == "before\nthere\n"


def wait_for_another(running: Running, pid: int, uid: str) -> None:
    """Another process in another pod of the same name, Ready."""
    until(lambda: line(pid) == "")
    until(lambda: running.all_ready() and running.pods()["etcd-1"]["metadata"]["uid"] != uid)
    assert running.pid("etcd-1") != pid


def members(running: Running) -> str:
    """IDs, names and addresses, as the members list them."""
    return running.etcdctl("member", "list")


def strike_delete(running: Running) -> None:
    running.kubectl("delete", "pod", "etcd-1", "--wait=false")


def strike_evict(running: Running) -> None:
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "etcd-1", "namespace": "etcd"},
    }
    path = "/api/v1/namespaces/etcd/pods/etcd-1/eviction"
    file = running.folder / "eviction.json"
    file.write_bytes(msgspec.json.encode(body))
    running.kubectl("create", "--raw", path, "-f", str(file))
